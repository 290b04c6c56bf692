package bfdloop

import (
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"tandem/internal/linux/clock"
	"tandem/internal/task"
)

// HelperArg is the argument that SelfHelper gives to the program.
const HelperArg = "bfd-helper"

// SelfHelper returns the command line that runs the program of the calling process as a helper.
// The program's main function must call HelperMain if the first argument is HelperArg.
func SelfHelper() []string { return []string{"/proc/self/exe", HelperArg} }

// raisedArg tells a helper that it already has its priority.
const raisedArg = "raised"

// helperFD is the descriptor at which a helper finds its socket.
const helperFD = 3

// helperMemory is the heap size at which a helper first collects garbage. In practice it never
// does, because only requests of its parent allocate memory.
const helperMemory = 64 << 20

// HelperMain is the main function of a helper process. It returns an exit status when the
// parent has ended or has asked it to end. By then it has notified the peers, so that
// they learn of the parent's death before their detection time is over.
//
// First it executes the same program again, so that all threads of the Go runtime start
// with a real-time priority, if that is permitted. While packages are initialised it
// collects no garbage, because work that can wait must not run at that priority.
func HelperMain() int {
	if os.Args[len(os.Args)-1] != raisedArg {
		runtime.LockOSThread() // so that the thread that executes the program keeps its priority
		if inheritPriority() == nil {
			_ = os.Setenv("GOGC", "off")
			// Exec returns only if it fails. Then this process goes on as the helper.
			_ = syscall.Exec("/proc/self/exe", append(slices.Clone(os.Args), raisedArg), os.Environ())
		}
	}
	// A terminal or a supervisor sends signals to the whole process group; only the parent
	// reacts.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR2)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(helperMemory)
	runtime.GOMAXPROCS(RecommendedProcs(runtime.NumCPU()))
	if err := serve(os.NewFile(helperFD, "parent"), helperFD); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// server is the helper's side of the connection to its parent.
type server struct {
	thread *thread
	mu     sync.Mutex // guards out
	out    *gob.Encoder
}

// serve runs a loop for the process at the other end of conn until that process ends. The loop
// watches the socket fd itself: thanks to its priority it notices the end first.
func serve(conn io.ReadWriter, fd int) error {
	in := gob.NewDecoder(conn)
	s := &server{out: gob.NewEncoder(conn)}
	var h hello
	if err := in.Decode(&h); err != nil {
		return fmt.Errorf("bfd helper: hello: %w", err)
	}
	origin := time.Now().Add(h.Origin - clock.Monotonic())
	var err error
	tasks := task.NewGroup(context.Background())
	s.thread, err = startThread(Options{Origin: origin, Seed: h.Seed, StallLimit: h.StallLimit}, fd, tasks)
	s.send(&reply{Err: toWire(err), PID: os.Getpid()})
	if err != nil {
		return err
	}
	// serve does not wait for this goroutine: a parent that no longer reads must not
	// prevent the helper from ending.
	tasks.Go("BFD events", func(context.Context) error { s.forward(); return nil })
	for s.attend(in) {
		in = gob.NewDecoder(conn)
		if in.Decode(&h) != nil || !h.Adopt {
			break
		}
		s.adopted(conn)
	}
	return s.thread.close()
}

// attend serves one parent. It returns true when the parent hands over to another
// process. Then mu is held, because nothing can be sent until that process has come.
func (s *server) attend(in *gob.Decoder) (handedOver bool) {
	for {
		var r request
		// Any error means that the parent has ended, so there is nobody to report the error to.
		if in.Decode(&r) != nil || r.Kind == askClose {
			return false
		}
		s.obey(&r)
		if r.Kind == askHandOver {
			s.mu.Lock()
			_ = s.out.Encode(&reply{ID: r.ID})
			return true
		}
	}
}

// adopted greets a new parent and reports the state of all sessions.
func (s *server) adopted(conn io.Writer) {
	s.out = gob.NewEncoder(conn)
	_ = s.out.Encode(&reply{PID: os.Getpid()})
	for _, e := range s.thread.standing() {
		_ = s.out.Encode(&reply{Event: &e})
	}
	s.mu.Unlock()
}

func (s *server) obey(r *request) {
	answer := reply{ID: r.ID}
	switch r.Kind {
	case askConfigure:
		answer.Err = toWire(s.thread.configure(r.Configs))
	case askLink:
		s.thread.setLink(r.Link.Name, r.Link.Index, r.Link.Up)
	case askBeat:
		s.thread.beat()
	case askSnapshot:
		answer.States = s.thread.snapshot()
	case askStatus:
		answer.Status = s.thread.status()
	case askHandOver:
		s.thread.wait(r.Grace)
		return // the reply is sent last, when nothing else is to be sent to this parent
	}
	if r.ID != 0 {
		s.send(&answer)
	}
}

// forward sends the events to the parent.
func (s *server) forward() {
	for e := range s.thread.events() {
		s.send(&reply{Event: &e})
	}
}

// send ignores errors: the next read fails if the parent has ended.
func (s *server) send(r *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(r)
}
