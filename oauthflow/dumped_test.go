package oauthflow_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A printer that follows every pointer, as those of test libraries do, finds no token that was rejected and is looked for.
func TestWhoFollowsThePointersOfASourceFindsNoRejectedToken(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	access := w.token(s)
	w.org.ExpireSessions()
	sent, answer := make(chan struct{}), make(chan struct{})
	w.wire.tap(func(*http.Request) error { close(sent); <-answer; return nil }, nil)
	done := make(chan struct{})
	go func() { defer close(done); _, _ = s.Replace(t.Context(), access) }()
	select {
	case <-sent:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is sent")
	}
	for _, path := range stringsIn(reflect.ValueOf(s), "Source", map[uintptr]bool{reflect.ValueOf(m).Pointer(): true}, access) { // the manager is at work
		t.Error(path)
	}
	close(answer)
	<-done
}

// stringsIn returns where a text stands in what can be reached from v.
func stringsIn(v reflect.Value, path string, seen map[uintptr]bool, text string) (found []string) {
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(v.String(), text) {
			return []string{path}
		}
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return nil
		}
		seen[v.Pointer()] = true
		return stringsIn(v.Elem(), path, seen, text)
	case reflect.Interface:
		return stringsIn(v.Elem(), path, seen, text)
	case reflect.Struct:
		for i := range v.NumField() {
			found = append(found, stringsIn(v.Field(i), path+"."+v.Type().Field(i).Name, seen, text)...)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			found = append(found, stringsIn(v.Index(i), fmt.Sprintf("%s[%d]", path, i), seen, text)...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			found = append(found, stringsIn(k, path+" key", seen, text)...)
			found = append(found, stringsIn(v.MapIndex(k), path+" value", seen, text)...)
		}
	}
	return found
}
