//go:build !linux && !darwin

package oauthflow

import "time"

// limitDelivery does nothing: what the system holds back, it may send later.
func limitDelivery(uintptr, time.Duration) {}
