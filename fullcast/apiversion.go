package fullcast

import (
	"context"
	"fmt"
	"slices"

	"github.com/fullcast/sfauth/metadata"
)

// APIVersion is the version of Salesforce's APIs that this package calls: every org serves it, and its metadata hold every
// setting that Fullcast's instructions name. For calls of a service's own it is a good default:
//
//	conn.Resty().R().Get("/services/data/v" + fullcast.APIVersion.String() + "/limits")
//
// Source: REST API Developer Guide, "API End-of-Life Policy": a version is served for three years at least.
const APIVersion metadata.APIVersion = 66

// dataPath returns the path of a resource of the REST API of that version, such as "limits".
func dataPath(resource string) string {
	return "/services/data/v" + APIVersion.String() + "/" + resource
}

// The API versions that an org's metadata are read with: the last is the newest whose elements package metadata knows.
const (
	firstVersion = APIVersion
	lastVersion  = metadata.APIVersion(68)
)

// apiVersions is [APIVersionsToRead] for the versions that the org serves.
//
// Source: REST API Developer Guide, "Versions": the list needs no session.
func (c *Connection) apiVersions(ctx context.Context) ([]metadata.APIVersion, error) {
	return APIVersionsToRead(c.servedVersions(ctx))
}

// APIVersionsToRead returns the API versions that an org's apps are read with, in their order, as [Connection.Check] does: that of
// [ChooseAPIVersion], then, where the org refuses it all the same ([metadata.VersionRefused]), each before it that the org serves,
// and at last [APIVersion]. The error is that of ChooseAPIVersion.
func APIVersionsToRead(served []metadata.APIVersion) ([]metadata.APIVersion, error) {
	newest, err := ChooseAPIVersion(served)
	if err != nil {
		return nil, err
	}
	all := []metadata.APIVersion{newest}
	for v := newest - 1; v >= firstVersion; v-- {
		if v == firstVersion || slices.Contains(served, v) {
			all = append(all, v)
		}
	}
	return all, nil
}

// ChooseAPIVersion returns the API version that an org's apps are read with, as [Connection.Check] does: of those that the org
// serves the newest whose metadata package metadata knows, from 68 down to [APIVersion], and APIVersion where the org tells none. An
// org that serves older ones alone is an error.
func ChooseAPIVersion(served []metadata.APIVersion) (metadata.APIVersion, error) {
	newest := metadata.APIVersion(0)
	for _, v := range served {
		if v <= lastVersion {
			newest = max(newest, v)
		}
	}
	switch {
	case newest == 0:
		return firstVersion, nil
	case newest < firstVersion:
		return 0, &metadata.Error{Op: "read", Name: "API versions", Err: fmt.Errorf(
			"the org serves API versions up to %s; its apps are read with %s or later", newest, firstVersion)}
	}
	return newest, nil
}

// servedVersions asks the org; nil where it does not tell. The question finds an org whose My Domain was renamed, unless the
// connection is only looked at.
func (c *Connection) servedVersions(ctx context.Context) []metadata.APIVersion {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	base, err := c.InstanceURL(ctx)
	if err != nil {
		return nil
	}
	if c.still {
		return metadata.ServedVersions(ctx, c.connector.open, base)
	}
	return metadata.ServedVersions(ctx, c.HTTPClient().Transport, base)
}
