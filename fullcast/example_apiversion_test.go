package fullcast_test

import (
	"fmt"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// A tool that reads apps by a session of its own reads them as a check does.
func ExampleChooseAPIVersion() {
	served := []metadata.APIVersion{65, 66, 67} // as the org lists them at /services/data/
	version, err := fullcast.ChooseAPIVersion(served)
	fmt.Println(version, err)
	_, err = fullcast.ChooseAPIVersion([]metadata.APIVersion{64, 65})
	fmt.Println(err != nil)
	// Output:
	// 67.0 <nil>
	// true
}

// An org may list a version and refuse a type of it: the next is tried.
func ExampleAPIVersionsToRead() {
	versions, err := fullcast.APIVersionsToRead([]metadata.APIVersion{66, 67, 68, 69})
	fmt.Println(versions, err)
	// Output: [68.0 67.0 66.0] <nil>
}
