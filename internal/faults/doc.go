// Package faults drills the Manager with real faults: worker processes over one store, stopped and killed at the worst
// moments, against a simulated org whose refresh tokens are good for one use. The org's own ledger is the judge.
//
// The tests print one table: row, what was injected, what was expected, what was seen. A row that is red fails. With
// SFAUTH_FAULTS=long the rows run at their full size; otherwise they take a few minutes together. Their records are in
// files unless the row says otherwise, or in what SFAUTH_FAULTS_STORE names: SQLite, PostgreSQL, MariaDB or Redis.
package faults
