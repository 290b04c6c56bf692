package event

import (
	"cmp"
	"slices"
	"time"
)

// AlarmKind declares one kind of alarm.
type AlarmKind struct {
	Name     string
	Severity AlarmSeverity
	Text     string
}

// AlarmSeverity is how urgent an alarm is (ITU-T X.733, section 8.1.2.3).
type AlarmSeverity string

// Severities of alarms.
const (
	AlarmCritical AlarmSeverity = "Critical" // listeners miss streams now, or will at the next fault
	AlarmMajor    AlarmSeverity = "Major"    // the two devices no longer back each other up, or only in part
	AlarmMinor    AlarmSeverity = "Minor"
)

var alarmKinds []*AlarmKind

// AlarmKinds lists every kind of alarm.
func AlarmKinds() []*AlarmKind { return alarmKinds }

func alarm(severity AlarmSeverity, name, text string) *AlarmKind {
	k := &AlarmKind{name, severity, text}
	alarmKinds = append(alarmKinds, k)
	return k
}

// The alarms.
var (
	KeyNotConfigured  = alarm(AlarmCritical, "ETRUNK_SEC_KEY_NOT_CFG", "The E-Trunk has no security key: no hello is sent or accepted.")
	PeerLost          = alarm(AlarmMajor, "ETRUNK_PEER_LOST", "The peer of the E-Trunk is not heard.")
	PathLost          = alarm(AlarmMajor, "ETRUNK_PATH_LOST", "The peer of the E-Trunk is heard, but not on one of the configured paths.")
	ConfigDiffers     = alarm(AlarmMajor, "ETRUNK_CONFIG_DIFFERS", "The two devices are configured differently where they must agree.")
	UnexpectedState   = alarm(AlarmMinor, "ETRUNK_EXPECT_STATE", "The E-Trunk, or a member in auto, has not the role that the election gives it.")
	LegDown           = alarm(AlarmMajor, "ETRUNK_LEG_DOWN", "The Eth-Trunk of a member that is to serve is down.")
	NotReady          = alarm(AlarmMajor, "ETRUNK_NOT_READY", "A member that is to serve is not ready to send every stream.")
	UpstreamDown      = alarm(AlarmCritical, "UPSTREAM_DOWN", "The upstream interface is down: no stream arrives.")
	InterfaceUnable   = alarm(AlarmCritical, "MULTICAST_IF_UNABLE", "A multicast interface is up, and the kernel does not let it do its work.")
	InterfaceAbsent   = alarm(AlarmMinor, "INTERFACE_ABSENT", "The machine has no interface of a configured name or alias.")
	SourceMissing     = alarm(AlarmMajor, "SOURCE_ADDRESS_MISSING", "No interface has an address from which the configuration has the device speak.")
	HelloNotListening = alarm(AlarmMajor, "ETRUNK_NOT_LISTENING", "No socket can be opened for the hellos of an E-Trunk.")
	ChannelDown       = alarm(AlarmMajor, "RBS_CHANNEL_DOWN", "Listeners are not replicated.")
	PeerNotTrusted    = alarm(AlarmCritical, "RBS_PEER_NOT_TRUSTED", "Somebody at the address of the peer has not proven to be the peer, and was refused.")
	ChannelInClear    = alarm(AlarmMinor, "RBS_IN_CLEAR", "Listeners are replicated in clear, because the peer is of a release that cannot do otherwise.")
	Diverged          = alarm(AlarmMajor, "RBS_DIVERGED", "The databases of the pair differ although nothing is under way; what differs is being exchanged.")
	CertificateEnds   = alarm(AlarmMajor, "SSL_CERT_ENDS", "The certificate of a replication channel ends within 30 days, has ended, or is of no use.")
	SessionDown       = alarm(AlarmMajor, "BFD_SESSION_DOWN", "A BFD session that was up is down.")
	SessionSlow       = alarm(AlarmMinor, "BFD_SESSION_SLOW", "A BFD session has slowed down, because this device was too late for its configured intervals.")
	Deaf              = alarm(AlarmMajor, "MLD_DEAF", "No host answers the queries of the device, although hosts are there.")
	RecordsFull       = alarm(AlarmMajor, "MLD_LIMIT_REACHED", "No further listener record is taken.")
	JoinRefused       = alarm(AlarmMajor, "MLD_JOIN_REFUSED", "A host was refused what it wants to join: it, or all hosts together, would hold more than a bound allows.")
	ForeignQuerier    = alarm(AlarmMinor, "MLD_FOREIGN_QUERIER", "Somebody who is no router of the pair queries the hosts. It is not followed.")
	Dropped           = alarm(AlarmCritical, "STREAMS_DROPPED", "Something drops what this device forwards.")
	StreamsLacking    = alarm(AlarmMajor, "STREAMS_LACKING", "Some streams do not arrive, although they arrive at the peer. The peer sends them in the device's stead.")
	GateStale         = alarm(AlarmCritical, "GATE_NOT_SET", "The kernel's permission to send is not what it should be.")
)

// Condition says that an alarm holds at this moment.
type Condition struct {
	*AlarmKind
	Object string // the device, interface or service concerned; two alarms of one kind differ in it
	Detail string // more facts; they may change while the alarm lasts
}

// Compare orders conditions by kind and object. It gives conditions from an unordered map
// a fixed order.
func (c Condition) Compare(other Condition) int {
	return cmp.Or(cmp.Compare(c.Name, other.Name), cmp.Compare(c.Object, other.Object))
}

// Alarm is a condition that holds, and since when.
type Alarm struct {
	Condition
	Since  time.Time
	Number uint64 // number of the alarm, counted from 1 since the start
}

// Alarms holds the alarms that are active. Each Update replaces the whole set of
// conditions, so no alarm can outlive its cause.
type Alarms struct {
	active []Alarm
	last   uint64
}

// Update takes all conditions that hold now, and returns the events of the alarms that
// this raises and clears.
func (a *Alarms) Update(now time.Time, conditions []Condition) (told []Event) {
	same := func(c Condition) func(Alarm) bool {
		return func(al Alarm) bool { return al.AlarmKind == c.AlarmKind && al.Object == c.Object }
	}
	a.active = slices.DeleteFunc(a.active, func(al Alarm) bool {
		over := !slices.ContainsFunc(conditions, func(c Condition) bool { return same(c)(al) })
		if over {
			told = append(told, AlarmCleared.With(al.Name, al.Object, now.Sub(al.Since).Round(time.Millisecond)))
		}
		return over
	})
	for _, c := range conditions {
		if i := slices.IndexFunc(a.active, same(c)); i >= 0 {
			a.active[i].Detail = c.Detail
			continue
		}
		a.last++
		a.active = append(a.active, Alarm{c, now, a.last})
		told = append(told, AlarmRaised.With(c.Name, c.Severity, c.Object, c.Detail))
	}
	return told
}

// Active returns a copy of the active alarms, the most urgent first, and among equals the
// latest first.
func (a *Alarms) Active() []Alarm {
	list := slices.Clone(a.active)
	urgency := map[AlarmSeverity]int{AlarmCritical: 0, AlarmMajor: 1, AlarmMinor: 2}
	slices.SortStableFunc(list, func(x, y Alarm) int {
		return cmp.Or(cmp.Compare(urgency[x.Severity], urgency[y.Severity]), cmp.Compare(y.Number, x.Number))
	})
	return list
}
