-- Wireshark dissectors for what two Tandem devices say to each other: the hellos of
-- E-Trunk (docs/protocol/etrunk.md) and the frames of RBS (docs/protocol/rbs.md).
-- Put the file into the plugin directory, or
--
--     tshark -X lua_script:contrib/wireshark/tandem.lua -r capture.pcap
--
-- The ports are the defaults; for others use "Decode As". Digests are not verified,
-- and RBS under TLS is seen only with the session's secrets.

-- fields makes the fields of a protocol from rows of name, title, type and more.
local function fields(proto, rows)
  local made = {}
  for _, row in ipairs(rows) do
    local name, title, kind = row[1], row[2], row[3]
    made[name] = ProtoField[kind](proto.name:lower() .. "." .. name, title, table.unpack(row, 4))
  end
  local list = {}
  for _, field in pairs(made) do list[#list + 1] = field end
  proto.fields = list
  return made
end

----------------------------------------------------------------------------------------
-- E-Trunk

local etrunk = Proto("etrunk", "Tandem E-Trunk hello")
local malformed = ProtoExpert.new("etrunk.malformed", "Malformed hello", expert.group.MALFORMED, expert.severity.ERROR)
etrunk.experts = {malformed}

local device_roles = {[0] = "Initialize", "Backup", "Master"}
local device_reasons = {[0] = "INIT", "PRI", "TIMEOUT", "BFD_DOWN", "PEER_TIMEOUT"}
local member_modes = {[0] = "auto", "force-master", "force-backup"}
local member_roles = {[0] = "Backup", "Master"}
local member_reasons = {[0] = "FORCE_BACKUP", "FORCE_MASTER", "ETRUNK_INIT", "ETRUNK_BACKUP", "ETRUNK_MASTER", "PEER_MEMBER_DOWN", "PEER_MEMBER_UP"}
local work_modes = {[0] = "not told", "manual", "lacp-static"}
local lacks = {[0] = "not told", "switchover", "configuration changes", "not replicated", "backup-id differs", "no channel", "Eth-Trunk down", "not in aggregate", "no upstream", "interface unable", "not synchronised", "joining upstream", "settling", "revert disabled", "nothing heard", "streams do not arrive"}
local covers = {[0] = "none", "bucket 0", "bucket 1", "all"}

local e = fields(etrunk, {
  {"magic", "Magic", "string"},
  {"version", "Version", "uint8"},
  {"auth", "Authentication", "uint8", base.DEC, {[1] = "hmac-sha256", [2] = "enhanced-hmac-sha256"}},
  {"length", "Length", "uint16"},
  {"id", "E-Trunk ID", "uint32"},
  {"flags", "Flags", "uint8", base.HEX},
  {"peer_lost", "PEER-LOST", "bool", 8, nil, 0x01},
  {"ack_wanted", "ACK-WANTED", "bool", 8, nil, 0x02},
  {"preferred", "PREFERRED", "bool", 8, nil, 0x04},
  {"sequence_mode", "SEQUENCE", "bool", 8, nil, 0x08},
  {"role", "Device role", "uint8", base.DEC, device_roles},
  {"reason", "Reason", "uint8", base.DEC, device_reasons},
  {"priority", "Priority", "uint8"},
  {"system", "System ID", "ether"},
  {"device", "Device ID", "uint64", base.HEX},
  {"epoch", "Epoch", "uint64", base.HEX},
  {"sequence", "Sequence", "uint64", base.DEC},
  {"challenge", "Challenge", "uint64", base.HEX},
  {"echo", "Echo", "uint64", base.HEX},
  {"peer_epoch", "Peer epoch", "uint64", base.HEX},
  {"change", "Change", "uint32"},
  {"change_echo", "Change echo", "uint32"},
  {"fail_time", "Fail time (ms)", "uint32"},
  {"tlv", "TLV type", "uint16", base.DEC, {[1] = "member", [2] = "LACP system", [3] = "profile", [4] = "certificate"}},
  {"member", "Eth-Trunk", "uint32"},
  {"remote", "Remote Eth-Trunk", "uint32"},
  {"mode", "Mode", "uint8", base.DEC, member_modes},
  {"member_role", "Role", "uint8", base.DEC, member_roles},
  {"member_reason", "Reason", "uint8", base.DEC, member_reasons},
  {"up", "Up", "bool", 8, nil, 0x01},
  {"ready", "Ready", "bool", 8, nil, 0x02},
  {"held", "Held", "bool", 8, nil, 0x04},
  {"mute", "Mute", "bool", 8, nil, 0x08},
  {"covers", "Covers", "uint8", base.DEC, covers, 0x30},
  {"key", "LACP key", "uint16"},
  {"work", "Work mode", "uint8", base.DEC, work_modes},
  {"lack", "Lack", "uint8", base.DEC, lacks},
  {"lacp_system", "LACP system ID", "ether"},
  {"lacp_priority", "LACP system priority", "uint16"},
  {"backup_id", "Backup ID", "uint32"},
  {"hot", "peer-backup hot", "bool", 8, nil, 0x01},
  {"mld", "service-type mld", "bool", 8, nil, 0x01},
  {"certificate", "SHA-256 of the certificate", "bytes"},
  {"digest", "Digest", "bytes"},
})

local HEADER, DIGEST = 84, 32

local function member(tree, v)
  tree:add(e.member, v(0, 4))
  tree:add(e.remote, v(4, 4))
  tree:add(e.mode, v(8, 1))
  tree:add(e.member_role, v(9, 1))
  tree:add(e.member_reason, v(10, 1))
  for _, flag in ipairs({e.up, e.ready, e.held, e.mute, e.covers}) do tree:add(flag, v(11, 1)) end
  if v:len() >= 16 then
    tree:add(e.key, v(12, 2))
    tree:add(e.work, v(14, 1))
    tree:add(e.lack, v(15, 1))
  end
end

local tlvs = {
  [1] = {12, member},
  [2] = {8, function(tree, v)
    tree:add(e.lacp_system, v(0, 6))
    tree:add(e.lacp_priority, v(6, 2))
  end},
  [3] = {12, function(tree, v)
    tree:add(e.member, v(0, 4))
    tree:add(e.backup_id, v(4, 4))
    tree:add(e.hot, v(8, 1))
    tree:add(e.mld, v(9, 1))
  end},
  [4] = {32, function(tree, v) tree:add(e.certificate, v(0, 32)) end},
}

function etrunk.dissector(buffer, pinfo, tree)
  local length = buffer:len()
  if length < 4 or buffer(0, 4):string() ~= "TETK" then return 0 end
  pinfo.cols.protocol = "E-Trunk"
  local t = tree:add(etrunk, buffer())
  if length < HEADER + DIGEST or buffer(6, 2):uint() ~= length then
    t:add_proto_expert_info(malformed, "the length is not that of a hello")
    return length
  end
  t:add(e.magic, buffer(0, 4))
  local at = 4
  for _, row in ipairs({{e.version, 1}, {e.auth, 1}, {e.length, 2}, {e.id, 4}}) do
    t:add(row[1], buffer(at, row[2]))
    at = at + row[2]
  end
  local flags = t:add(e.flags, buffer(12, 1))
  for _, flag in ipairs({e.peer_lost, e.ack_wanted, e.preferred, e.sequence_mode}) do flags:add(flag, buffer(12, 1)) end
  for _, row in ipairs({
    {e.role, 13, 1}, {e.reason, 14, 1}, {e.priority, 15, 1}, {e.system, 16, 6}, {e.device, 24, 8}, {e.epoch, 32, 8}, {e.sequence, 40, 8},
    {e.challenge, 48, 8}, {e.echo, 56, 8}, {e.peer_epoch, 64, 8}, {e.change, 72, 4}, {e.change_echo, 76, 4}, {e.fail_time, 80, 4},
  }) do
    t:add(row[1], buffer(row[2], row[3]))
  end
  at = HEADER
  while at < length - DIGEST do
    local left = length - DIGEST - at
    local size = left >= 4 and buffer(at + 2, 2):uint() or left
    if left < 4 or size > left - 4 then
      t:add_proto_expert_info(malformed, "a TLV is longer than the hello")
      break
    end
    local item = t:add(e.tlv, buffer(at, 2))
    local known = tlvs[buffer(at, 2):uint()]
    if known and size >= known[1] then
      known[2](item, buffer(at + 4, size))
    elseif known then
      item:add_proto_expert_info(malformed, "the TLV is too short")
    end
    at = at + 4 + size
  end
  t:add(e.digest, buffer(length - DIGEST, DIGEST))
  pinfo.cols.info = string.format("E-Trunk %d, %s (%s), change %d, echo %d", buffer(8, 4):uint(),
    device_roles[buffer(13, 1):uint()] or "?", device_reasons[buffer(14, 1):uint()] or "?", buffer(72, 4):uint(), buffer(76, 4):uint())
  return length
end

DissectorTable.get("udp.port"):add(1025, etrunk)

----------------------------------------------------------------------------------------
-- RBS

local rbs = Proto("rbs", "Tandem remote backup service")
local bad = ProtoExpert.new("rbs.malformed", "Malformed frame", expert.group.MALFORMED, expert.severity.ERROR)
rbs.experts = {bad}

local types = {
  "HELLO", "KEEPALIVE", "DIGESTS", "BUCKET-REQUEST", "RECORDS", "ACK", "END-OF-SYNC", "ERROR", "STATUS-REQUEST", "STATUS",
  "BATCH", "BRANCH-REQUEST", "BRANCH", "LEAF-REQUEST", "ARRIVING",
}
local codes = {"malformed", "not allowed", "no common version", "own device ID", "silence", "replaced", "service stopped"}

local r = fields(rbs, {
  {"length", "Length", "uint16"},
  {"type", "Type", "uint8", base.DEC, types},
  {"magic", "Magic", "string"},
  {"lowest", "Lowest version", "uint16"},
  {"highest", "Highest version", "uint16"},
  {"features", "Features", "uint32", base.HEX},
  {"buckets", "Buckets", "uint32"},
  {"device", "Device ID", "uint64", base.HEX},
  {"boot", "Boot ID", "uint64", base.HEX},
  {"clock", "Clock", "uint64", base.HEX},
  {"digest", "Digest", "uint64", base.HEX},
  {"bucket", "Bucket", "uint32"},
  {"last", "Last", "bool", 8, nil, 0x01},
  {"count", "Count", "uint16"},
  {"hash", "Hash", "uint64", base.HEX},
  {"sequence", "Sequence number", "uint64", base.DEC},
  {"record", "Record", "bytes"},
  {"exclude", "Exclude", "bool", 8, nil, 0x01},
  {"mldv1", "MLDv1", "bool", 8, nil, 0x02},
  {"deleted", "Deleted", "bool", 8, nil, 0x04},
  {"backup_id", "Backup ID", "uint32"},
  {"sub_interface", "Sub-interface", "uint32"},
  {"left", "Time left (ms)", "uint32"},
  {"group", "Group", "ipv6"},
  {"host", "Host", "ipv6"},
  {"source", "Source", "ipv6"},
  {"code", "Code", "uint16", base.DEC, codes},
  {"text", "Text", "string"},
  {"untold", "Changes not told", "uint32"},
  {"salt", "Salt", "uint64", base.HEX},
  {"leaf", "Leaf", "uint16"},
  {"fold", "Fold", "uint32", base.HEX},
  {"begin", "Begin", "bool", 8, nil, 0x01},
  {"complete", "Complete", "bool", 8, nil, 0x02},
  {"stream", "Stream", "bytes"},
  {"flows", "Flows", "bool", 8, nil, 0x01},
  {"stands_in", "Stands in", "bool", 8, nil, 0x02},
  {"withdrawn", "Withdrawn", "bool", 8, nil, 0x04},
  {"asks", "Asks", "bool", 8, nil, 0x08},
  {"answers", "Answers", "bool", 8, nil, 0x10},
  {"age", "Since the last packet (ms)", "uint32"},
})

-- walk reads entries until the bytes end; next returns how many an entry took.
local function walk(v, at, next)
  while at < v:len() do at = at + next(at) end
end

local function record_flags(item, v)
  for _, flag in ipairs({r.exclude, r.mldv1, r.deleted}) do item:add(flag, v) end
end

local function sources(item, v, at, n)
  for i = 0, n - 1 do item:add(r.source, v(at + 16 * i, 16)) end
end

local bodies = {}

bodies[1] = function(t, v)
  local at = 0
  for _, row in ipairs({{r.magic, 4}, {r.lowest, 2}, {r.highest, 2}, {r.features, 4}, {r.buckets, 4}, {r.device, 8}, {r.boot, 8}, {r.clock, 8}}) do
    t:add(row[1], v(at, row[2]))
    at = at + row[2]
  end
  if v:len() >= at + 4 then t:add(r.untold, v(at, 4)) end
end

bodies[2] = function(t, v) t:add(r.digest, v(0, 8)) end

bodies[3] = function(t, v)
  t:add(r.bucket, v(0, 4))
  walk(v, 4, function(at) t:add(r.digest, v(at, 8)); return 8 end)
end

bodies[4] = function(t, v)
  t:add(r.last, v(0, 1))
  walk(v, 1, function(at)
    local n = v(at + 4, 2):uint()
    local item = t:add(r.bucket, v(at, 4))
    for i = 0, n - 1 do item:add(r.hash, v(at + 6 + 8 * i, 8)) end
    return 6 + 8 * n
  end)
end

bodies[5] = function(t, v)
  t:add(r.sequence, v(0, 8))
  walk(v, 8, function(at)
    local size = v(at, 2):uint()
    local item = t:add(r.record, v(at, size))
    record_flags(item, v(at + 2, 1))
    for _, row in ipairs({{r.backup_id, 4, 4}, {r.sub_interface, 8, 4}, {r.left, 12, 4}, {r.clock, 16, 8}, {r.device, 24, 8}, {r.group, 32, 16}, {r.host, 48, 16}}) do
      item:add(row[1], v(at + row[2], row[3]))
    end
    sources(item, v, at + 66, v(at + 64, 2):uint())
    return math.max(size, 2)
  end)
end

bodies[6] = function(t, v) t:add(r.sequence, v(0, 8)) end
bodies[7] = bodies[6]

bodies[8] = function(t, v)
  t:add(r.code, v(0, 2))
  if v:len() > 2 then t:add(r.text, v(2)) end
end

bodies[9] = function() end
bodies[10] = function(t, v) t:add(r.text, v()) end

bodies[11] = function(t, v)
  t:add(r.sequence, v(0, 8))
  walk(v, 8, function(at)
    local n, begin = v(at + 32, 2):uint(), at
    local block = t:add(r.group, v(at + 8, 16))
    block:add(r.backup_id, v(at, 4))
    block:add(r.sub_interface, v(at + 4, 4))
    block:add(r.device, v(at + 24, 8))
    block:add(r.count, v(at + 32, 2))
    at = at + 34
    for _ = 1, n do
      local several = v(at + 1, 2):uint()
      local item = block:add(r.host, v(at + 15, 16))
      record_flags(item, v(at, 1))
      item:add(r.left, v(at + 3, 4))
      item:add(r.clock, v(at + 7, 8))
      sources(item, v, at + 31, several)
      at = at + 31 + 16 * several
    end
    return at - begin
  end)
end

bodies[12] = function(t, v)
  t:add(r.salt, v(0, 8))
  walk(v, 8, function(at) t:add(r.bucket, v(at, 4)); return 4 end)
end

bodies[13] = function(t, v)
  t:add(r.bucket, v(0, 4))
  walk(v, 4, function(at) t:add(r.fold, v(at, 4)); return 4 end)
end

bodies[14] = function(t, v)
  t:add(r.salt, v(0, 8))
  walk(v, 8, function(at)
    local n = v(at + 2, 1):uint()
    local item = t:add(r.leaf, v(at, 2))
    for i = 0, n - 1 do item:add(r.fold, v(at + 3 + 4 * i, 4)) end
    return 3 + 4 * n
  end)
end

bodies[15] = function(t, v)
  t:add(r.begin, v(0, 1))
  t:add(r.complete, v(0, 1))
  walk(v, 1, function(at)
    local item = t:add(r.stream, v(at, 37))
    for _, flag in ipairs({r.flows, r.stands_in, r.withdrawn, r.asks, r.answers}) do item:add(flag, v(at, 1)) end
    item:add(r.age, v(at + 1, 4))
    item:add(r.source, v(at + 5, 16))
    item:add(r.group, v(at + 21, 16))
    return 37
  end)
end

local function frame(buffer, pinfo, tree)
  local t = tree:add(rbs, buffer())
  local kind = buffer(2, 1):uint()
  t:add(r.length, buffer(0, 2))
  t:add(r.type, buffer(2, 1))
  local name = types[kind] or string.format("type %d", kind)
  pinfo.cols.protocol = "RBS"
  pinfo.cols.info:append(" " .. name)
  t:append_text(": " .. name)
  -- A range beyond the frame is an error of Lua's: the frame is then malformed.
  local empty = buffer:len() <= 4
  if bodies[kind] and not (empty and kind == 9) then
    local whole = pcall(function() bodies[kind](t, buffer(4):tvb()) end)
    if not whole then t:add_proto_expert_info(bad) end
  end
  return buffer:len()
end

function rbs.dissector(buffer, pinfo, tree)
  pinfo.cols.info:set("")
  dissect_tcp_pdus(buffer, tree, 4, function(b, _, at) return math.max(b(at, 2):uint(), 4) end, frame)
  return buffer:len()
end

DissectorTable.get("tcp.port"):add(7000, rbs)
