package orgtest

// unproved refuses a token request without the DPoP proof or the client certificate that the app requires, and one with either as not
// simulated; so is an app that binds its tokens to addresses.
// Source: RFC 9449 §5, §12.2; RFC 8705; Salesforce's words are assumed.
func (s settings) unproved(in *request) *answer {
	var a answer
	switch proof := in.Header.Get("DPoP"); {
	case s.mutualTLS && in.TLS != nil && len(in.TLS.PeerCertificates) > 0:
		a = oauthError("invalid_client", notSimulated+"mutual TLS")
	case s.mutualTLS:
		a = oauthError("invalid_client", "mutual TLS client certificate is required")
	case s.ipBinding:
		a = oauthError("invalid_request", notSimulated+"IP binding")
	case proof != "":
		a = oauthError("invalid_dpop_proof", notSimulated+"DPoP")
	case s.dpop:
		a = oauthError("invalid_dpop_proof", "DPoP proof is required")
	default:
		return nil
	}
	return &a
}
