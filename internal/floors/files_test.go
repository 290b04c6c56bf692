package floors

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// orderFollows introduces, in a package comment, the list of the package's files.
const orderFollows = "A file calls only files that stand below it"

// TestFilesCallDown checks every package whose comment lists the order of its files: a
// function calls only functions in its own file and in files further down. Files on one
// line do not call each other.
func TestFilesCallDown(t *testing.T) {
	checked := 0
	for _, pkg := range ours(t) {
		dir := filepath.Join("../..", strings.TrimPrefix(pkg.ImportPath, "tandem/"))
		doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil || !strings.Contains(string(doc), orderFollows) {
			continue
		}
		checked++
		place, err := fileOrder(string(doc))
		if err != nil {
			t.Fatalf("%s: %v", pkg.ImportPath, err)
		}
		for _, complaint := range callsUp(t, pkg.ImportPath, dir, place) {
			t.Errorf("%s: %s", short(pkg.ImportPath), complaint)
		}
	}
	if checked == 0 {
		t.Error("no package tells the order of its files")
	}
}

var fileNames = regexp.MustCompile(`^//\t((?:\w+\.go\s+)+)`)

// fileOrder reads the list of files. The rank of a file is its line.
func fileOrder(doc string) (map[string]int, error) {
	place := make(map[string]int)
	_, list, _ := strings.Cut(doc, orderFollows)
	line := 0
	for text := range strings.Lines(list) {
		m := fileNames.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		line++
		for _, name := range strings.Fields(m[1]) {
			if place[name] != 0 {
				return nil, fmt.Errorf("%s is listed twice", name)
			}
			place[name] = line
		}
	}
	return place, nil
}

// callsUp lists the calls of a package that violate the order of its files.
func callsUp(t *testing.T, path, dir string, place map[string]int) (complaints []string) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if base := filepath.Base(name); place[base] == 0 && base != "doc.go" {
			complaints = append(complaints, base+" is not in the list of doc.go")
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", exported(t, path))}
	if _, err := conf.Check(path, fset, files, info); err != nil {
		t.Fatal(err)
	}
	for ident, object := range info.Uses {
		f, isFunc := object.(*types.Func)
		if !isFunc || f.Pkg() == nil || f.Pkg().Path() != path || ofInterface(f) {
			continue
		}
		at := fset.Position(ident.Pos())
		from, to := filepath.Base(at.Filename), filepath.Base(fset.Position(f.Origin().Pos()).Filename)
		if from != to && place[from] >= place[to] {
			complaints = append(complaints, fmt.Sprintf("%s:%d calls %s of %s, which is not below it", from, at.Line, f.Name(), to))
		}
	}
	slices.Sort(complaints)
	return complaints
}

// ofInterface reports whether a call of f goes to another package, which implements it.
func ofInterface(f *types.Func) bool {
	recv := f.Signature().Recv()
	return recv != nil && types.IsInterface(recv.Type())
}

// exported finds the compiled form of the packages that a package imports.
func exported(t *testing.T, path string) importer.Lookup {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", path).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	compiled := make(map[string]string)
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		compiled[p.ImportPath] = p.Export
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) }
}
