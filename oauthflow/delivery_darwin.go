package oauthflow

import (
	"syscall"
	"time"
)

const tcpDropTime = 0x80 // TCP_RXT_CONNDROPTIME of netinet/tcp.h, in seconds

func limitDelivery(fd uintptr, d time.Duration) {
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpDropTime, int(max(d/time.Second, 1)))
}
