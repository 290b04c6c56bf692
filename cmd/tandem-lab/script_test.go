package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tandem/internal/golden"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tandem-lab": main})
}

// TestScripts runs the program with the scripts in testdata/script, as far as these need
// neither a network nor a daemon. The demo has a test of its own, in package lab.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: golden.Updating()})
}
