package adminui_test

import (
	"os"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

func TestMain(m *testing.M) { os.Exit(needs.Run(m)) }
