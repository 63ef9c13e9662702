package packaging

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The newest heading of the changelog is the version that is built, with its day, unless there is something unreleased above it.
func TestChangelogHasTheVersion(t *testing.T) {
	text, err := os.ReadFile(tree + "/CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$`).FindStringSubmatchIndex(string(text))
	if heading == nil {
		t.Fatal("no heading as ## [1.2.3] - 2026-01-31")
	}
	if strings.Contains(string(text[:heading[0]]), "\n- ") {
		return // the next version is on its way
	}
	number, day := string(text[heading[2]:heading[3]]), string(text[heading[4]:heading[5]])
	if number != version(t) {
		t.Errorf("CHANGELOG.md begins with %s, plugin/version.h has %s", number, version(t))
	}
	header, err := os.ReadFile(tree + "/plugin/version.h")
	if err != nil {
		t.Fatal(err)
	}
	if want := `#define NETGEAR_RELEASED "` + day + `"`; !strings.Contains(string(header), want) {
		t.Errorf("plugin/version.h has no %s, the day in CHANGELOG.md", want)
	}
}
