// Package metadata represents Salesforce's two kinds of app as typed values. It reads, writes, merges and packages their
// metadata. It also reads the metadata from an org and deploys it there.
//
// An [AppSpec] lists the wanted settings of an app, in the words of Salesforce Setup. An [App] holds the settings that an org or
// a source tree has: one struct for each metadata component, one field for each element. An [Org] is the org itself.
//
//	app := spec.New()                // a new app: the listed fields, nothing else
//	app = spec.Merge(live)           // or a live one with the listed fields changed
//	pkg, err := app.Package(66)      // package.xml and files, ready to deploy
//	apps, err := metadata.Parse(dir) // back from a source tree or an unpacked package
//	got := apps[0].Spec()            // and in Setup's words again
//	live, err := org.Read(ctx, spec.Kind, spec.APIName)
//	result, err := org.Deploy(ctx, pkg, metadata.DeployOptions{})
//
// # Lossless
//
// A component keeps the bytes from which it was read. If you change it and write it, only the bytes of the changed elements are
// replaced. Unknown elements, order, comments and formatting stay. An unchanged file is equal byte for byte.
//
// # Errors
//
// Every error is an [*Error], or joins several. An Error has the operation, the file or component, the line, and Salesforce's
// code if there is one. Errors name elements and never quote their values.
//
//	condition                                          how to tell                what to do
//	a file cannot be read                              Op "parse", Name, Line     correct the file
//	a file holds a component that the app already has  errors.Is ErrTwice         read it with ParseFile, or remove one of the two
//	a spec or app is wrong                             Op "validate", Name        correct the field that Name names
//	a field is too new for the version                 Op "package", Name, Line   package for the version in the text
//	the app is not in the org                          errors.Is ErrNotFound      deploy a new one
//	the org refuses the session                        errors.Is ErrSession       connect again
//	SOAP refuses a JWT-based token                     errors.Is ErrJWTSession    let the app issue opaque tokens, or connect again
//	the org's answer exceeds the limit                 errors.Is ErrTooLarge      read less: one app instead of all
//	the org refused a deployment                       errors.As *ComponentError  follow Problem and Advice
//
// # Concurrency
//
// Specs and apps are values. They are safe for concurrent reading. An [Org] is safe for concurrent use.
//
// # Testing
//
// Package oauthflow/orgtest simulates an org in the process of the test. It answers every call of [Org].
//
// # Security
//
// A consumer secret is a value that no printer and no encoder shows. No secret of a file is packaged or deployed, wherever it is
// in the file (see [App.Package]). Only [App.Files] writes it back. XML with directives is refused. XML and zips beyond fixed
// limits of size, depth and number of elements are refused, too. A session is sent only to the instance URL, and never to the
// target of a redirect.
package metadata
