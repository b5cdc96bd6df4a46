package fullcast

// RemedyFor is what every error that leaves this package is judged by.
var RemedyFor = remedyFor

// RemedyIn is RemedyFor within an operation.
var RemedyIn = remedyIn
