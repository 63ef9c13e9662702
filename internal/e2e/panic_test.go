package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A panic of Go must not leave the plugin, for it would end the host. So every
// function that C calls defers a recover at once, and every goroutine is begun
// by a function that does.
func TestPanicsAreContained(t *testing.T) {
	// What may begin a goroutine, or have one call a function, by package.
	starters := []string{
		"netgear.spawn", "netgear.spawnAtEnd", "netgear.spawnAfter", "gstglue.spawn",
		// They start what package netgear hands to the door, its spawn; New has another
		// one for the door's own tests.
		"door.atEnd", "door.New",
		// One system call under a mutex, one call of GLib: nothing that could
		// panic, and nobody who could be told.
		"zmsg.Follow", "gstglue.NewWeak",
	}
	used := map[string]bool{}
	exported, goroutines := 0, 0
	files := token.NewFileSet()
	for _, folder := range []string{"netgear", "elements", "plugin"} {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if isExported(f) {
					exported++
					if !recovers(f) {
						t.Errorf("%s: %s is called from C and has no recover", files.Position(f.Pos()), f.Name.Name)
					}
				}
				name := file.Name.Name + "." + f.Name.Name
				ast.Inspect(f, func(n ast.Node) bool {
					if !begins(n) {
						return true
					}
					goroutines++
					used[name] = true
					if !slices.Contains(starters, name) {
						t.Errorf("%s: a goroutine whose panic would end the host: use spawn or one of its like", files.Position(n.Pos()))
					}
					return true
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range starters {
		if !used[name] {
			t.Errorf("%s starts nothing", name)
		}
	}
	if exported < 25 || goroutines < len(starters) {
		t.Errorf("%d functions for C and %d starts of goroutines seen: too few to be true", exported, goroutines)
	}
}

func isExported(f *ast.FuncDecl) bool {
	return f.Doc != nil && slices.ContainsFunc(f.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//export ") })
}

// recovers says whether a function defers rescue, or a function that calls
// recover, before it does more than to set its result.
func recovers(f *ast.FuncDecl) bool {
	for _, statement := range f.Body.List {
		switch s := statement.(type) {
		case *ast.AssignStmt:
			if _, literal := s.Rhs[0].(*ast.CallExpr); literal {
				return false
			}
		case *ast.DeferStmt:
			if name, ok := s.Call.Fun.(*ast.Ident); ok && name.Name == "rescue" {
				return true
			}
			found := false
			ast.Inspect(s, func(n ast.Node) bool {
				name, ok := n.(*ast.Ident)
				found = found || ok && name.Name == "recover"
				return true
			})
			return found
		default:
			return false
		}
	}
	return false
}

// begins says whether a node starts a goroutine or has one call a function.
func begins(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.SelectorExpr:
		return slices.Contains([]string{"AfterFunc", "AddCleanup", "SetFinalizer", "Go"}, n.Sel.Name)
	}
	return false
}
