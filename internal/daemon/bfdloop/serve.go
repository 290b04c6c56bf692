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

// SelfHelper is the command line that runs the calling program's own file as helper.
// Its main function must call HelperMain when the first argument is HelperArg.
func SelfHelper() []string { return []string{"/proc/self/exe", HelperArg} }

// raisedArg is the argument of a helper that has its priority.
const raisedArg = "raised"

// helperFD is the descriptor at which a helper finds its socket.
const helperFD = 3

// helperMemory is where garbage collection begins in a helper: it collects never in
// practice, as only questions from its parent cost memory.
const helperMemory = 64 << 20

// HelperMain is the main function of a helper process. It returns an exit status when
// its parent has ended or has asked it to; the peers have been told by then, so that
// the death of the parent is known before the detection time.
//
// It first becomes the same program again, so that all threads of the Go runtime have
// a real-time priority from their birth, where that is permitted. It collects no garbage
// there while packages are initialised: nothing that can wait is done at that priority.
func HelperMain() int {
	if os.Args[len(os.Args)-1] != raisedArg {
		runtime.LockOSThread() // the thread that becomes the program keeps its priority
		if inheritPriority() == nil {
			_ = os.Setenv("GOGC", "off")
			// It returns only when it fails; then this process has to do.
			_ = syscall.Exec("/proc/self/exe", append(slices.Clone(os.Args), raisedArg), os.Environ())
		}
	}
	// A terminal or a supervisor signals the whole group; the parent decides.
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

// server is the helper's end of the socket.
type server struct {
	thread *thread
	mu     sync.Mutex // guards out
	out    *gob.Encoder
}

// serve runs a loop for the process at the other end of conn until that ends. The
// loop watches the socket fd by itself: at its priority it learns of the end first.
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
	// It is not waited for: a parent that reads no more must not keep the helper from ending.
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

// attend serves one parent. It returns true when that hands over to another one,
// with mu held: until that has come there is nobody to tell anything.
func (s *server) attend(in *gob.Decoder) (handedOver bool) {
	for {
		var r request
		// Any error is the parent's end: there is nobody left to tell of another.
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

// adopted greets a new parent and tells it where all sessions stand.
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
		return // answered when nothing more is to be sent
	}
	if r.ID != 0 {
		s.send(&answer)
	}
}

// forward sends the events on.
func (s *server) forward() {
	for e := range s.thread.events() {
		s.send(&reply{Event: &e})
	}
}

// send ignores errors: the next read tells that the parent is gone.
func (s *server) send(r *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(r)
}
