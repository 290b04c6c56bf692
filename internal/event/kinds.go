package event

// The events of the pair: roles, duty, replication, BFD.
var (
	ETrunkStatusChange = declare("ETRUNK", Warning, "ETRUNK_STATUS_CHANGE", "ETrunkId State StateReason",
		"The role of the device in the E-Trunk has changed.")
	ETrunkMemberStatusChange = declare("ETRUNK", Warning, "ETRUNK_MEMBER_STATUS_CHANGE", "ETrunkId MemberType MemberId State StateReason",
		"The role of a member of the E-Trunk has changed.")
	ETrunkPeer = declare("ETRUNK", Warning, "ETRUNK_PEER", "ETrunkId Event",
		"The peer of the E-Trunk was found, was lost or has restarted.")
	ETrunkConfig = declare("ETRUNK", Warning, "ETRUNK_CONFIG", "ETrunkId Detail",
		"What the configuration of the E-Trunk lacks, or where it differs from the peer's, has changed.")
	DutyChange = declare("ETRUNK", Notice, "DUTY_CHANGE", "ETrunkId MemberId Duty Reason",
		"What this device sends on the member has changed.")
	Switchover = declare("ETRUNK", Notice, "SWITCHOVER", "ETrunkId MemberId From To Gap Reason",
		"The gate lets pass another share of the streams; a gap is told where the peer is lost, and is at most that long.")
	LegNotSteered = declare("ETRUNK", Error, "LEG_NOT_STEERED", "Netdev Up Aside Error",
		"The leg could not be taken into the switch's aggregate, or out of it.")
	PeerStatusBad = declare("RBS", Warning, "PEER_STATUS_BAD", "ServiceName Error",
		"What the peer tells of itself for the web page cannot be read.")
	HelloNotSent = declare("ETRUNK", Warning, "HELLO_NOT_SENT", "Peer Error",
		"The socket refused an E-Trunk hello.")

	RBSChannelStatusChange = declare("RBS", Warning, "RBS_CHANNEL_STATUS_CHANGE", "ServiceName ChannelState Reason",
		"The channel of the remote backup service has changed its state.")
	RBSChannelEvent = declare("RBS", Notice, "RBS_CHANNEL_EVENT", "ServiceName Event Reason",
		"Something happened on the channel of the remote backup service.")

	BFDDown = declare("BFD", Warning, "STACHG_TODWN", "SessionName Diagnostic At",
		"A BFD session has gone down.")
	BFDUp = declare("BFD", Warning, "STACHG_TOUP", "SessionName At",
		"A BFD session has come up.")
	BFDShutDown = declare("BFD", Notice, "SESSION_SHUTDOWN", "SessionName Peer At",
		"A BFD session was shut down at one of its ends.")
	InterfaceFollowsBFD = declare("BFD", Warning, "INTERFACE_FOLLOWS", "Netdev Up",
		"An interface is taken for what its BFD session is.")
)

// The events of MLD and of the kernel's state.
var (
	MLDJoinRefused = declare("MLD", Warning, "MLD_JOIN_REFUSED", "Interface Refused Policy AccessLimit Limit HostLimit",
		"The configuration has refused joins.")
	MLDVersionMismatch = declare("MLD", Warning, "MLD_VERSION_MISMATCH", "Interface Querier QueryVersion Version",
		"Another querier speaks another version than the interface is set to.")
	MLDNotSent = declare("MLD", Warning, "MLD_NOT_SENT", "Netdev To Error",
		"The socket refused an MLD message.")

	MembershipsRestored = declare("MLD", Notice, "MEMBERSHIPS_RESTORED", "Memberships",
		"The kernel had dropped memberships of the MLD socket, which switches are told of. Nothing went unheard.")

	RouteNotSet = declare("MFIB", Error, "ENTRY_NOT_SET", "Source Group Delete Error",
		"The kernel refused a change of its multicast forwarding table.")
	RouteNotRepaired = declare("MFIB", Error, "ENTRY_NOT_REPAIRED", "Source Group Error",
		"A wrong entry of the kernel's multicast forwarding table could not be put right.")
	RoutesRepaired = declare("MFIB", Warning, "TABLE_REPAIRED", "SetAgain Removed",
		"Somebody else had changed the kernel's multicast forwarding table.")
	RoutesNotCompared = declare("MFIB", Error, "TABLE_NOT_COMPARED", "Error",
		"The kernel's multicast forwarding table could not be read.")
	InterfacesRestored = declare("MFIB", Warning, "INTERFACES_RESTORED", "Interfaces",
		"Somebody else had removed multicast interfaces from the kernel's table.")
	InterfacesNotRestored = declare("MFIB", Error, "INTERFACES_NOT_RESTORED", "Error",
		"A multicast interface could not be added to the kernel's table.")

	GateNotSet = declare("GATE", Critical, "GATE_NOT_SET", "Error",
		"The kernel refused the permission to send; it is tried again.")
	GateRepaired = declare("GATE", Warning, "GATE_REPAIRED", "Repairs",
		"Somebody else had changed the gate.")
	GateNotRepaired = declare("GATE", Error, "GATE_NOT_REPAIRED", "Error",
		"The gate could not be compared or put right.")
	GateNotRemoved = declare("GATE", Warning, "GATE_NOT_REMOVED", "Error",
		"The gate is left in the kernel.")
	StreamsDropped = declare("GATE", Error, "STREAMS_DROPPED", "Netdev Cause",
		"Most of what this device forwards out of the interface is dropped by something else: a firewall, where one is named.")
	StreamsLeave = declare("GATE", Notice, "STREAMS_LEAVE", "Netdev",
		"What this device forwards out of the interface leaves again.")
	LeavingNotRead = declare("GATE", Warning, "LEAVING_NOT_READ", "Error",
		"The counters of what leaves could not be read; a firewall that drops it would not be noticed.")

	InterfaceNotMade = declare("IFNET", Warning, "INTERFACE_NOT_MADE", "Netdev Error",
		"A configured interface cannot be had.")
	LinkLocalAdded = declare("IFNET", Warning, "LINK_LOCAL_ADDED", "Netdev Address Reason",
		"A multicast interface had no link-local address that can be used, so it was given one: MLD needs it.")
	LinkLocalRemoved = declare("IFNET", Notice, "LINK_LOCAL_REMOVED", "Netdev Address",
		"The link-local address that was added is not needed any more.")
	InterfaceNotConfigured = declare("IFNET", Error, "INTERFACE_NOT_CONFIGURED", "Error",
		"An interface is not as configured.")
	EthTrunkNotConfigured = declare("IFNET", Error, "ETHTRUNK_NOT_CONFIGURED", "Error",
		"An Eth-Trunk is not as configured.")
	CountersNotRead = declare("IFNET", Warning, "COUNTERS_NOT_READ", "Error",
		"The kernel's counters of the interfaces could not be read.")
	SocketFailed = declare("SYSTEM", Error, "SOCKET_FAILED", "Socket Error",
		"A socket broke and is read no more.")
)

// The events of the daemon itself and of its operators.
var (
	Started = declare("SYSTEM", Notice, "STARTED", "Version DeviceId",
		"The daemon has started.")
	CertificateMade = declare("SYSTEM", Notice, "CERTIFICATE_MADE", "Sha256 Reason",
		"The device has made itself a certificate for the remote backup services, because it has none that can be used.")
	Stopping = declare("SYSTEM", Notice, "STOPPING", "",
		"The daemon was asked to end and hands over.")
	TookOver = declare("SYSTEM", Notice, "TOOK_OVER", "Uptime",
		"The daemon goes on where the one before it has left off.")
	NotTakenOver = declare("SYSTEM", Warning, "NOT_TAKEN_OVER", "Error",
		"What the daemon before has left cannot be used; this one starts anew.")
	RestartRefused = declare("SYSTEM", Error, "RESTART_REFUSED", "Error",
		"The installed program could not go on from this daemon, which stays or, where a supervisor restarts it, leaves to the peer.")
	SupervisorNotTold = declare("SYSTEM", Warning, "SUPERVISOR_NOT_TOLD", "Error",
		"The supervisor does not take notifications.")
	PriorityNotRaised = declare("SYSTEM", Warning, "PRIORITY_NOT_RAISED", "Error",
		"The daemon runs at the priority of any process.")
	LinksNotRecorded = declare("SYSTEM", Warning, "LINKS_NOT_RECORDED", "Error",
		"The record of links made by the daemon cannot be read; they will not be removed.")

	StoreDamaged = declare("CFG", Warning, "STORE_DAMAGED", "Error",
		"A part of the stored configurations cannot be read.")
	ConfigurationNotRestored = declare("CFG", Error, "NOT_RESTORED", "Error",
		"A commit failed, and the configuration before it could not be put back whole.")

	ConfigurationReadable = declare("CFG", Warning, "FILE_READABLE", "File Mode",
		"Every user can read the configuration file, which may hold keys. Take the right away: chmod o-r.")

	ConsoleConnected = declare("SHELL", Info, "CONNECTED", "Uid Gid Pid",
		"A program has connected to the console socket.")
	ConsoleUnknown = declare("SHELL", Warning, "PEER_UNKNOWN", "Error",
		"The kernel does not say who has connected to the console socket.")
	ConsoleRemade = declare("SHELL", Warning, "SOCKET_REMADE", "Path",
		"The console socket had been removed and is made again.")
	ConsoleNotRemade = declare("SHELL", Error, "SOCKET_GONE", "Path Error",
		"The console socket has been removed and cannot be made again; it is tried each second.")
	ConsoleOpened = declare("SHELL", Info, "LOGIN", "User Pid Interactive",
		"A console session was opened.")
	CommandRecord = declare("SHELL", Notice, "CMDRECORD", "User Source View Command Result",
		"An operator has typed a line; secrets are hidden, and so is a line that was not understood. None is left out.")
	SSHListening = declare("SSH", Notice, "LISTENING", "Address HostKey",
		"The SSH server listens; clients know the device by the key.")
	SSHNotListening = declare("SSH", Error, "NOT_LISTENING", "Error",
		"The SSH server cannot listen; it is tried again.")
	SSHLogin = declare("SSH", Notice, "LOGIN", "User Source Level",
		"A user has logged in over SSH. None is left out.")
	SSHLogout = declare("SSH", Notice, "LOGOUT", "User Source Reason",
		"A connection over SSH has ended. None is left out.")
	SSHLoginFailed = declare("SSH", Warning, "LOGIN_FAILED", "User Source Error",
		"A login over SSH has failed. None is left out.")
	SSHSourceBlocked = declare("SSH", Warning, "SOURCE_BLOCKED", "Source For",
		"After failed logins a client of the source must log in fast for a while, and is the first to lose its connection.")
	SSHKeysIgnored = declare("SSH", Warning, "KEYS_IGNORED", "User Error",
		"A file of public keys, or a line of it, is not believed.")
	TrialEnded = declare("CFG", Warning, "TRIAL_ENDED", "User Error",
		"A commit on trial was not confirmed, and the configuration before is back, or could not be put back yet.")

	HTTPListening = declare("HTTP", Info, "HTTP_LISTENING", "Address Port",
		"The web page and the metrics are served.")
	HTTPNotListening = declare("HTTP", Warning, "HTTP_NOT_LISTENING", "Address Port Error",
		"The web page and the metrics cannot be served at their address; it is tried again.")
	HTTPError = declare("HTTP", Warning, "HTTP_ERROR", "Error",
		"A client of the console socket or of the HTTP server broke the protocol.")

	AlarmRaised = declare("ALARM", Warning, "ALARM_RAISED", "Alarm AlarmSeverity Object Detail",
		"An alarm is raised.")
	AlarmCleared = declare("ALARM", Notice, "ALARM_CLEARED", "Alarm Object Lasted",
		"An alarm is over.")
	Repeated = declare("SYSTEM", Warning, "LOG_SUPPRESSED", "Name Times",
		"Events of one kind came too fast, and some were left out of the log.")
)
