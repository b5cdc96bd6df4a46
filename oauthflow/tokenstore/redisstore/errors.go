package redisstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/redis/go-redis/v9"
)

// Errors of this package, in addition to ErrNotFound and ErrConflict of package tokenstore. Test for them with errors.Is.
var (
	ErrVolatile = errors.New("the server may lose acknowledged writes")
	ErrDamaged  = errors.New("the key holds something else than this store wrote")
	ErrReadOnly = errors.New("the server takes no writes; it may be a replica, connect to the master")
	ErrReplicas = fmt.Errorf("too few replicas answer; look after them: %w", tokenstore.ErrNotDurable)
)

// classified adds the reason that the server's words stand for. Within a script they may come after others.
func classified(err error) error {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return err
	}
	for words, reason := range map[string]error{"WRONGTYPE": ErrDamaged, "DAMAGED": ErrDamaged, "READONLY": ErrReadOnly} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("%w: %w", reason, err)
		}
	}
	return err
}
