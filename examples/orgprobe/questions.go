package main

import (
	"context"
	"slices"
)

// A probe is one question and the way to ask it.
type probe struct {
	id       string
	question string
	why      string // what in the SDK would be better for the answer

	ask         func(context.Context, *org) (answer, error) // nil: only by hand
	byHand      string
	destructive bool // may cost a grant or change the org
}

// questions returns all of them, in the order in which they are asked: those that need the grant as it came go first.
func questions() []probe {
	return slices.Concat(loginQuestions, refreshQuestions, refusalQuestions, movedQuestions, wordingQuestions, appQuestions, destructiveQuestions, handQuestions)
}

var handQuestions = []probe{
	{id: "H1", question: "How is a refresh refused whose token was idle for too long?", why: "the sentence for the admin",
		byHand: "set Refresh Token Policy to expire after an hour unused, wait, refresh"},
	{id: "H2", question: "How is a refresh refused from an address that is not allowed?", why: "AdminFixesPolicy and not Reauthorize",
		byHand: "set a login IP range on the user's profile, then one on the app's refresh tokens; refresh from elsewhere"},
	{id: "H3", question: "How is a refresh refused for an app that is blocked in Connected Apps OAuth Usage?", why: "suspended is not broken",
		byHand: "block the app, refresh, unblock, refresh"},
	{id: "H4", question: "Does a sixth approval revoke the oldest grant or the least recently used one?", why: "which connection breaks when a user connects often",
		byHand: "connect six times as one user, refreshing the first in between; see which refresh token is dead"},
	{id: "H5", question: "What do the token endpoints say after a sandbox refresh?", why: "RecreateApp and not Reauthorize",
		byHand: "connect a sandbox, refresh the sandbox, refresh the token"},
	{id: "H6", question: "Does Setup's migration of a connected app keep key, secret and tokens?", why: "whether a migration needs a new login",
		byHand: "connect with a connected app, migrate it in App Manager, refresh"},
	{id: "H7", question: "Do refresh tokens survive a rotation of the consumer key?", why: "UpdateCredentials without a new login",
		byHand: "stage and rotate the key in Setup, refresh with the new and the old one"},
	{id: "H8", question: "Does a JWT-based access token come with expires_in?", why: "refreshing before the end and not after a refusal",
		byHand: "let the app issue JWT-based access tokens, run orgprobe, read question L2"},
	{id: "H9", question: "Is code_challenge_method=plain refused, and how long may state and verifier be?", why: "nothing today: the SDK sends S256 and 43 characters of each",
		byHand: "change the parameters of an authorize address, log in, see what the callback or the exchange says"},
	{id: "H10", question: "Do My Domain and the generic login host count one user's logins and refreshes together?", why: "how far one customer's storm reaches",
		byHand: "refresh at one host until LOGIN_RATE_EXCEEDED (3,600 an hour, on a sandbox), then once at the other"},
	{id: "H11", question: "Which codes beginning with OAUTH_ reach the callback, and how is an app without scopes refused?", why: "a sentence for each",
		byHand: "block the app, take the user's permission away, uninstall it, clear its scopes; log in each time and read the callback's query"},
	{id: "H12", question: "How is a refresh refused in an organization that was closed?", why: "a sentence for the admin",
		byHand: "let a trial org end, refresh"},
	{id: "H13", question: "Do access and refresh tokens survive a new My Domain, and for how long does the old host redirect, and how?", why: "whether a renamed org heals by itself or must be connected again",
		byHand: "connect a sandbox, rename its My Domain with redirects, call and refresh at the old host, run orgprobe with -old-host, remove the redirects, do both again"},
	{id: "H14", question: "How does an app that requires DPoP refuse a login and a refresh without a proof, and is the refresh token of a client with a secret bound?", why: "the words of AdminClearsDPoP, and whether DPoP protects a stolen refresh token",
		byHand: "select Require DPoP in the app, refresh, log in, read isDPopEnabled over the Metadata API; then send proofs (RFC 9449) with another key at the refresh"},
}
