// Package hostile makes metadata files that nobody has in good faith, in any size, for the tests and measurements of what
// reads such files. What it makes is well-formed and within package metadata's limits: 8 MiB, 64 levels and 30,000 elements to
// a file.
package hostile

import (
	"fmt"
	"strings"
	"testing/fstest"
)

// Shape is a kind of tree with one app in it, or many.
type Shape struct {
	Name string
	Max  int                         // the largest size it can be made in, in bytes
	Make func(size int) fstest.MapFS // a tree of about that size; the same for the same size
}

// What a file may have.
const (
	largest     = 8<<20 - 4096
	maxElements = 29_000
	perElement  = (largest + maxElements - 1) / maxElements // bytes of an element, so that all sizes have as many in proportion
)

// Shapes returns every shape. Those called dense have as many elements in the least space; the others grow in the number of
// elements and in size alike.
func Shapes() []Shape {
	dense := func(name, element string, file func(string) fstest.MapFS) Shape {
		return Shape{"dense " + name, 1 << 20, func(size int) fstest.MapFS {
			n := min(size/len(element), maxElements)
			inside := strings.Repeat(element, n)
			return file(inside + "<!--" + strings.Repeat("x", max(size-len(inside), 0)) + "-->")
		}}
	}
	all := []Shape{
		one("flat unknown elements", func(i, size int) string { return fmt.Sprintf("<n%d>%s</n%d>", i, text(size), i) }, connectedRoot),
		one("flat unknown elements of one name", func(i, size int) string { return "<new>" + text(size) + "</new>" }, connectedRoot),
		one("unknown elements in the OAuth settings", func(i, size int) string { return fmt.Sprintf("<n%d>%s</n%d>", i, text(size), i) }, connectedOAuth),
		nested("many chains of one name", func(int) string { return "a" }),
		nested("many chains of many names", func(i int) string { return fmt.Sprintf("a%d", i) }),
		{"one chain down to the last level", largest, func(size int) fstest.MapFS {
			return connectedRoot(strings.Repeat("<a>", 62) + strings.Repeat("x", size) + strings.Repeat("</a>", 62))
		}},
		{"a wide element", largest, func(size int) fstest.MapFS {
			return connectedRoot("<new>" + elements(size, func(i, size int) string {
				return fmt.Sprintf("<n%d>%s</n%d>", maxElements-i, text(size), maxElements-i)
			}) + "</new>")
		}},
		one("scopes", func(i, size int) string { return fmt.Sprintf("<scopes>S%d%s</scopes>", i, text(size)) }, connectedOAuth),
		one("scopes of one name", func(i, size int) string { return "<scopes>Api</scopes><!--" + text(size) + "-->" }, connectedOAuth),
		one("IP ranges", func(i, size int) string {
			return fmt.Sprintf("<ipRanges><description>%s</description><end>10.0.0.%d</end><start>10.0.0.0</start></ipRanges>", text(4*size+100), i)
		}, connectedRoot),
		one("IP ranges without addresses", func(i, size int) string { return "<ipRanges/><!--" + text(size) + "-->" }, connectedRoot),
		one("profiles", func(i, size int) string { return fmt.Sprintf("<profileName>P%d %s</profileName>", i, text(size)) }, connectedRoot),
		one("permission sets", func(i, size int) string {
			return fmt.Sprintf("<permissionSetName>P%d %s</permissionSetName>", i, text(size))
		}, connectedRoot),
		one("attributes", func(i, size int) string {
			return fmt.Sprintf("<attributes><formula>%s</formula><key>k%d</key></attributes>", text(3*size+50), i)
		}, connectedRoot),
		one("callback URLs", func(i, size int) string { return fmt.Sprintf("https://a.example/%d?%s\n", i, text(size)) }, callbacks),
		one("callback URLs of other hosts", func(i, size int) string { return fmt.Sprintf("http://h%d.example/{app}#%s\n", i, text(size)) }, callbacks),
		{"many short callback URLs", largest, func(size int) fstest.MapFS {
			return callbacks(strings.Repeat("h://u:p@a/?b=c\n", size/15))
		}},
		{"many short callback URLs, each another", largest, func(size int) fstest.MapFS {
			var b strings.Builder
			for i := 0; b.Len() < size; i++ {
				fmt.Fprintf(&b, "h://%d\n", i)
			}
			return callbacks(b.String())
		}},
		{"a long label beside callback URLs", largest, func(size int) fstest.MapFS {
			return connected(strings.Repeat("x", size/2), "<oauthConfig><callbackUrl>"+strings.Repeat("h://{app}\n", size/20)+"</callbackUrl></oauthConfig>")
		}},
		{"one long callback URL", largest, func(size int) fstest.MapFS { return callbacks(strings.Repeat("h://a?b=", size/8)) }},
		{"a long value", largest, func(size int) fstest.MapFS {
			return connectedRoot("<description>" + strings.Repeat("a=secret=b:", size/11) + "</description>")
		}},
		{"names of secrets", largest, func(size int) fstest.MapFS {
			return connectedRoot("<description>" + strings.Repeat("the client secret for password (", size/32) + "</description>")
		}},
		{"names of secrets, each the value of another", largest, func(size int) fstest.MapFS {
			return connectedRoot("<description>" + strings.Repeat("token=", size/6) + "</description>")
		}},
		{"an encoding in itself", largest, func(size int) fstest.MapFS {
			return connectedRoot("<description>&amp;" + strings.Repeat("amp;", size/4) + "</description>")
		}},
		{"values of secrets in a component's comments", largest, func(size int) fstest.MapFS {
			return connectedRoot("<!--" + strings.Repeat("-u a: | token | &amp;lt;pwd&gt;%25", size/34) + "--><description>x</description>")
		}},
		{"a long label", largest, func(size int) fstest.MapFS { return connectedLabel(strings.Repeat("{app}", size/5)) }},
		{"a binary for mobiles", largest, func(size int) fstest.MapFS {
			return connectedRoot("<mobileAppConfig><applicationBinaryFile>" + strings.Repeat("QUFB", size/4) + "</applicationBinaryFile><devicePlatform>ios</devicePlatform><version>1</version></mobileAppConfig>")
		}},
		{"a long indentation", largest, func(size int) fstest.MapFS {
			return connectedRoot("\n" + strings.Repeat(" ", size) + "<description>x</description>")
		}},
		{"comments in a value", largest, func(size int) fstest.MapFS {
			return connectedRoot("<description>" + strings.Repeat("a<!---->", size/8) + "</description>")
		}},
		{"attributes of an element", largest, func(size int) fstest.MapFS {
			var b strings.Builder
			for i := 0; b.Len() < size; i++ {
				fmt.Fprintf(&b, " a%d='token'", i)
			}
			return connectedRoot("<description" + b.String() + ">x</description>")
		}},
		external("the list of scopes of an external app", "ecaOauth", "ExtlClntAppOauthSettings", func(size int) string {
			return "<commaSeparatedOauthScopes>" + elements(size, func(i, size int) string { return fmt.Sprintf("S%d%s, ", i, text(size)) }) + "Api</commaSeparatedOauthScopes>"
		}),
		external("IP ranges of an external app", "ecaOauth", "ExtlClntAppOauthSettings", func(size int) string {
			return elements(size/4, func(i, size int) string {
				return fmt.Sprintf("<trustedIpRanges><description>%s</description><endIpAddress>10.0.0.%d</endIpAddress><startIpAddress>10.0.0.0</startIpAddress></trustedIpRanges>", text(4*size+200), i)
			})
		}),
		external("callback URLs of an external app", "ecaGlblOauth", "ExtlClntAppGlobalOauthSettings", func(size int) string {
			return "<callbackUrl>" + elements(size, func(i, size int) string { return fmt.Sprintf("https://a.example/%d?%s\n", i, text(size)) }) + "</callbackUrl>"
		}),
		external("unknown elements of an external app", "ecaOauthPlcy", "ExtlClntAppOauthConfigurablePolicies", func(size int) string {
			return elements(size, func(i, size int) string { return fmt.Sprintf("<n%d>%s</n%d>", i, text(size), i) })
		}),
		external("a component without a type", "ecaPush", "ExtlClntAppPushSettings", func(size int) string {
			return elements(size, func(i, size int) string { return fmt.Sprintf("<n%d>%s</n%d>", i, text(size), i) })
		}),
		{"many apps", largest, manyApps},
		{"components without their apps", 1 << 20, componentsAlone},
		dense("unknown elements", "<a/>", connectedRoot),
		dense("chains", strings.Repeat("<a>", 60)+strings.Repeat("</a>", 60), func(inside string) fstest.MapFS {
			return connectedRoot(inside[:min(len(inside), maxElements/60*420)])
		}),
		dense("scopes", "<scopes/>", connectedOAuth),
		dense("IP ranges", "<ipRanges/>", connectedRoot),
		{"dense IP ranges behind others", 1 << 20, func(size int) fstest.MapFS {
			n := min(size/15, maxElements/2)
			return connectedRoot(strings.Repeat("<a/>", n) + strings.Repeat("<ipRanges/>", n) + "<!--" + strings.Repeat("x", max(size-15*n, 0)) + "-->")
		}},
		dense("profiles", "<profileName>a</profileName>", connectedRoot),
		dense("attributes", "<attributes><key>a</key></attributes>", func(inside string) fstest.MapFS {
			return connectedRoot(inside[:min(len(inside), maxElements/2*37)])
		}),
	}
	return all
}

const xmlns = ` xmlns="http://soap.sforce.com/2006/04/metadata"`

func connectedRoot(inside string) fstest.MapFS {
	return connected("Old", inside)
}

func connectedOAuth(inside string) fstest.MapFS {
	return connected("Old", "<oauthConfig><callbackUrl>https://a.example</callbackUrl>"+inside+"</oauthConfig>")
}

func connectedLabel(label string) fstest.MapFS { return connected(label, "") }

func connected(label, inside string) fstest.MapFS {
	return fstest.MapFS{"Old.connectedApp": {Data: []byte("<ConnectedApp" + xmlns + ">\n    <contactEmail>admin@acme.example</contactEmail>\n    <label>" + label + "</label>" + inside + "</ConnectedApp>")}}
}

func callbacks(lines string) fstest.MapFS {
	return connected("Old", "<oauthConfig><callbackUrl>"+lines+"</callbackUrl></oauthConfig>")
}

// one is a shape with elements in one file.
func one(name string, element func(i, size int) string, file func(string) fstest.MapFS) Shape {
	return Shape{name, largest, func(size int) fstest.MapFS { return file(elements(size, element)) }}
}

// elements makes as many elements as a file of that size has.
func elements(size int, element func(i, size int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(element(i, perElement-4))
	}
	return b.String()
}

// nested has chains of 60 elements.
func nested(name string, level func(int) string) Shape {
	return Shape{name, largest, func(size int) fstest.MapFS {
		var b strings.Builder
		for b.Len() < size {
			for i := range 60 {
				b.WriteString("<" + level(i) + ">")
			}
			b.WriteString(text(60*perElement - 500))
			for i := range 60 {
				b.WriteString("</" + level(59-i) + ">")
			}
		}
		return connectedRoot(b.String())
	}}
}

// external is an external client app with one hostile component.
func external(name, suffix, root string, inside func(size int) string) Shape {
	return Shape{name, largest, func(size int) fstest.MapFS {
		file := func(root, inside string) *fstest.MapFile {
			return &fstest.MapFile{Data: []byte("<" + root + xmlns + ">" + inside + "</" + root + ">")}
		}
		const of = "<externalClientApplication>New</externalClientApplication>"
		tree := fstest.MapFS{
			"New.eca":                          file("ExternalClientApplication", "<contactEmail>admin@acme.example</contactEmail><distributionState>Local</distributionState><label>New</label>"),
			"New_defOauthSet.ecaOauth":         file("ExtlClntAppOauthSettings", "<commaSeparatedOauthScopes>Api</commaSeparatedOauthScopes>"+of),
			"New_defGlblOauthSet.ecaGlblOauth": file("ExtlClntAppGlobalOauthSettings", "<callbackUrl>https://a.example</callbackUrl>"+of),
			"New_defOauthPlcy.ecaOauthPlcy":    file("ExtlClntAppOauthConfigurablePolicies", of),
			"New_defPlcy.ecaPlcy":              file("ExtlClntAppConfigurablePolicies", of+"<isEnabled>true</isEnabled>"),
		}
		for name := range tree {
			if strings.HasSuffix(name, "."+suffix) {
				delete(tree, name)
			}
		}
		tree["New_def."+suffix] = file(root, inside(size)+of)
		return tree
	}}
}

// manyApps is a tree of small apps.
func manyApps(size int) fstest.MapFS {
	tree := fstest.MapFS{}
	for i := range size / 4096 {
		tree[fmt.Sprintf("apps/A%d.eca", i)] = &fstest.MapFile{Data: []byte("<ExternalClientApplication" + xmlns + "><contactEmail>a@b.co</contactEmail><distributionState>Local</distributionState><label>Old</label>" + "<new>" + text(3600) + "</new></ExternalClientApplication>")}
	}
	tree["Old.connectedApp"] = connectedRoot("<description>x</description>")["Old.connectedApp"]
	return tree
}

// componentsAlone is a tree of components of 300 bytes whose apps have nothing else.
func componentsAlone(size int) fstest.MapFS {
	tree := fstest.MapFS{}
	for i := range size / 300 {
		tree[fmt.Sprintf("A%d_defOauthPlcy.ecaOauthPlcy", i)] = &fstest.MapFile{Data: []byte(fmt.Sprintf("<ExtlClntAppOauthConfigurablePolicies"+xmlns+"><externalClientApplication>A%d</externalClientApplication><new>%s</new></ExtlClntAppOauthConfigurablePolicies>", i, text(90)))}
	}
	return tree
}

func text(size int) string { return strings.Repeat("v", max(size, 1)) }
