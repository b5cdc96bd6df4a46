package fullcast

// RemedyFor is what every error that leaves this package is judged by.
var RemedyFor = remedyFor
