package adminhttp

// Remembered is of how many tenants something is remembered.
func Remembered(r *Rate) int { return len(r.full) }
