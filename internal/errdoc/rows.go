package errdoc

// Kinds is the table, in the order of the page.
var Kinds = []Kind{
	{
		Value: "netgear.ErrSettings", Domain: "LIBRARY", SinkCode: "SETTINGS", SrcCode: "SETTINGS",
		Title: "Settings that cannot work",
		About: "Posted before anything is opened, but for some files of an SSH tunnel, which are read when it logs in, and for encoded video, whose caps come with the first frame. Nothing has been changed on the network " +
			"or, but for new certificates, on the disk. A property that is set while the element runs and can only be changed in NULL or READY keeps its " +
			"value; that is a line in the log (`GST_DEBUG=netgear*:2`) and no message.",
		Rows: []Row{
			{
				ID: "property", On: both, Text: `settings: <property> "<value>": want <values>`,
				Cause: "a value in a URI, or a port before its query, that does not parse or is out of range", Cure: "one of the values that the text names; [properties.md](properties.md) has units and ranges",
			},
			{
				ID: "uri-caps", On: []string{Src}, Text: `settings: caps "<caps>": want caps, as video/x-raw,framerate=30/1`,
				Cause: "`caps` in a URI that GStreamer cannot read", Cure: "as the text says; `gst-inspect-1.0` shows caps of any element",
			},
			{
				ID: "value-length", On: both, Warning: true, Text: "settings: <property> of <number> bytes of JSON: want at most <number>; the value before stays",
				Cause: "`message` or `return-data` is longer than a peer takes", Cure: "less of it: a picture as a frame, large data by a way of its own",
			},
			{
				ID: "message-length", On: []string{Sink}, Warning: true, Text: "settings: message of <number> bytes of JSON on a buffer: want at most <number>; the frame goes without",
				Cause: "the same, of the `message` in a buffer's `NetgearMeta`", Cure: "the same",
			},
			{
				ID: "rate-no-encoder", On: []string{Sink}, Warning: true,
				Text:  "settings: rate-control=encoder without an encoder before the sink: want jpegenc, x264enc or the like; frames are dropped where the link is too slow",
				Cause: "the video comes raw, or compressed from a camera or a file: there is nothing that could make it smaller", Cure: "an encoder between the source and the sink (`videoconvert ! jpegenc`); or without `rate-control`",
			},
			{
				ID: "rate-deaf", On: []string{Sink}, Warning: true,
				Text:  "settings: rate-control=encoder with <encoder>, which cannot change its bitrate while it runs: want jpegenc, x264enc or the like; frames are dropped where the link is too slow",
				Cause: "the encoder refuses a change, or is not among those whose property is known", Cure: "an encoder of the list in [links.md](links.md#encoders)",
			},
			{
				ID: "rate-ignored", On: []string{Sink}, Warning: true,
				Text:  "settings: rate-control=encoder: <encoder> ignores its property <property>: it makes <number> kbit/s where the link carries <number>: frames are dropped instead",
				Cause: "for seconds the frames have been larger than the encoder was told: a mode that has no bitrate (a constant quality or quantiser), or a driver that takes none while it runs",
				Cure:  "a mode of the encoder with a bitrate, or another encoder",
			},
			{
				ID: "rate-lowest", On: []string{Sink}, Warning: true,
				Text:  "settings: rate-control=encoder: <encoder> makes <number> kbit/s with the least <property>, where the link carries <number>: frames are dropped; want smaller pictures, or fewer",
				Cause: "the picture is too large, or too restless, for the link", Cure: "a smaller width and height or frame rate before the encoder, or H.264 in the place of JPEG",
			},
			{
				ID: "round-trip", On: []string{Sink}, Warning: true,
				Text:  "settings: <setting> over a round trip of <time>: each frame waits for the confirmation of the one before, so that at most <number> of <number> frames/s go through: want <settings>",
				Cause: "the way to the receiver and back leaves too little of the time between two frames of a live stream, and pictures that do not get through are dropped", Cure: "`in-flight=0` with `pattern=pair`; in the place of `pattern=req-rep` that, or `pattern=pub-sub`, at both ends. It is told once",
			},
			{
				ID: "port-0", On: both, Text: "settings: port 0 with bind=false: want the port that the other end binds to",
				Cause: "port 0 takes any free port, which only the end that binds can do", Cure: "the receiver's `port`",
			},
			{
				ID: "ipc-address", On: both, Text: "settings: protocol=ipc without an address: want the path of the socket, the same at both ends",
				Cause: "`protocol=ipc` has no default path", Cure: "`address=/path`, and the same `port` at both ends: the socket is `path:port`",
			},
			{
				ID: "tcp-address", On: both, Text: `settings: address "<address>" with protocol=tcp: want a host, an address or an interface`,
				Cause: "a path, a query or a blank in `address`", Cure: "the host alone; a path needs `protocol=ipc`",
			},
			{
				ID: "address-port", On: both, Text: `settings: address "<address>": want <settings>`,
				Cause: "a port, or a whole URI, in `address`", Cure: "what the text says, word for word: the port belongs into `port`, a URI into `uri`",
			},
			{
				ID: "both-multi-modes", On: both, Text: "settings: multiserver-mode=true with multiclient-mode=true: want one of them at the most",
				Cause: "NetGear has no such mode", Cure: "leave one out: many senders to one receiver, or one sender to many receivers",
			},
			{
				ID: "multiserver-pair", On: both, Text: "settings: multiserver-mode=true with pattern=pair: want pattern=req-rep or pub-sub",
				Cause: "`pair` connects two ends and no more", Cure: "the same other pattern at all ends",
			},
			{
				ID: "multiclient-pair", On: both, Text: "settings: multiclient-mode=true with pattern=pair: want pattern=req-rep or pub-sub",
				Cause: "`pair` connects two ends and no more", Cure: "the same other pattern at all ends",
			},
			{
				ID: "bidirectional-pub-sub", On: both, Text: "settings: bidirectional-mode=true with pattern=pub-sub: want pattern=pair or req-rep",
				Cause: "with `pub-sub` nothing comes back", Cure: "another pattern, or without `bidirectional-mode`",
			},
			{
				ID: "wire-auto", On: []string{Sink}, Text: "settings: wire=auto at the end that sends, which has nobody to go by: want wire=netgear, imagezmq, jpeg, lerobot or array",
				Cause: "a source goes by what a sender sends first; a sink sends first itself", Cure: "the wire of the receiver: docs/wires.md",
			},
			{
				ID: "wire-settings", On: both, Text: "settings: wire=<name> with <what it does not have>",
				Cause: "the messages of that wire have no room for it, or its programs have no such sockets", Cure: "what the text names: docs/wires.md says what each wire has",
			},
			{
				ID: "multiserver-ports", On: []string{Src}, Text: "settings: multiserver-mode=true without ports: want ports=5566,5567 or the like",
				Cause: "the source needs one port for each sender", Cure: "`ports` with the `port` of each sender",
			},
			{
				ID: "multiclient-ports", On: []string{Sink}, Text: "settings: multiclient-mode=true without ports: want ports=5566,5567 or the like",
				Cause: "the sink needs one port for each receiver", Cure: "`ports` with the `port` of each receiver",
			},
			{
				ID: "ports-alone", On: both,
				Text:  `settings: ports="<ports>" without multiserver-mode (of a source) or multiclient-mode (of a sink): want port`,
				Cause: "only these two ends have several ports", Cure: "`port`, or set the mode",
			},
			{
				ID: "port-name", On: both, Text: "settings: port 0 in a mode in which the port is the peer's name: want the port",
				Cause: "in the multi modes the end with one port is known by it", Cure: "one of the other end's `ports`",
			},
			{
				ID: "ports", On: both, Text: `settings: ports "<ports>": "<port>": want numbers from 1 to <number> with commas`,
				Cause: "something else than numbers and commas", Cure: "as `ports=5566,5567`",
			},
			{
				ID: "ports-twice", On: both, Text: `settings: ports "<ports>": <port> twice: want each once`,
				Cause: "one port given twice", Cure: "a port of its own for each peer",
			},
			{
				ID: "allow-connecting", On: both, Text: `settings: allow="<addresses>" with bind=false: want it at the end that binds`,
				Cause: "an end that connects lets nobody in", Cure: "`allow` at the other end",
			},
			{
				ID: "allow-ipc", On: both, Text: `settings: allow="<addresses>" with protocol=ipc, which has no addresses: want the folder's permissions for that`,
				Cause: "over ipc there are no addresses to compare", Cure: "a folder for the socket that only the right users may enter",
			},
			{
				ID: "allow", On: both, Text: `settings: allow "<addresses>": "<address>": want addresses or networks with commas, as 10.0.0.0/8,192.168.1.7,fe80::/10`,
				Cause: "a name, a port or a typing error in `allow`", Cure: "addresses and networks as in the text",
			},
			{
				ID: "in-flight", On: []string{Sink}, Text: "settings: in-flight=<number> with pattern=<pattern>: want pattern=pair, or in-flight=1",
				Cause: "only `pair` can have several frames unconfirmed", Cure: "one of the two",
			},
			{
				ID: "encoded-extensions", On: []string{Sink},
				Text:  "settings: extensions=false and encoded video (<caps>): want extensions=true, which tells the receiver what it is",
				Cause: "without the key \"gst\" nobody knows what the bytes are", Cure: "leave `extensions` out, or send JPEG",
			},
			{
				ID: "encoded-multiclient", On: []string{Sink},
				Text:  "settings: multiclient-mode=true with pattern=req-rep and encoded video: each client gets a part of the frames, which cannot be decoded without the others: want pattern=pub-sub",
				Cause: "`req-rep` shares the frames out, one to each client in turn", Cure: "`pattern=pub-sub` at all ends, which gives all frames to all; or JPEG",
			},

			{
				ID: "uri-secret", On: both, Text: "settings: uri: it has <property> in it: want that as a property, a URI is no place for secrets",
				Cause: "URIs are shown and logged", Cure: "set the property of that name",
			},
			{
				ID: "uri", On: both, Text: `settings: uri "<uri>": want netgear://host:port?key=value: <reason>`,
				Cause: "no URI: a port that is no number, a wrong bracket, a bad percent sign", Cure: "the form in the text; [properties.md](properties.md#uris) has examples",
			},
			{
				ID: "uri-host", On: both, Text: `settings: uri "<uri>": host "<host>": want a name, an IPv4 address or an IPv6 address in brackets, as netgear://[fe80::1]:5555`,
				Cause: "characters in the host that no host has, or several colons without brackets", Cure: "as the text says",
			},
			{
				ID: "uri-ipv6", On: both, Text: `settings: uri "<uri>": host "<host>": want an IPv6 address in brackets: <uri>`,
				Cause: "without brackets the last part of an IPv6 address cannot be told from a port (RFC 3986)", Cure: "what the text says, once you have seen that address and port are the ones you mean",
			},
			{
				ID: "uri-path", On: both, Text: `settings: uri "<uri>": a path or none of the slashes: want netgear://host:port?key=value`,
				Cause: "something between the port and the question mark, or no `//`", Cure: "the form in the text; for ipc the scheme is `netgear+ipc`",
			},
			{
				ID: "uri-ipc", On: both, Text: `settings: uri "<uri>": want netgear+ipc:///path?key=value, with three slashes`,
				Cause: "a host or no path in an ipc URI", Cure: "three slashes: the path begins with the third",
			},
			{
				ID: "uri-scheme", On: both, Text: `settings: uri "<uri>": scheme "<scheme>": want netgear or netgear+ipc`,
				Cause: "a URI of something else", Cure: "`netgear://` for tcp, `netgear+ipc://` for ipc",
			},
			{
				ID: "uri-user", On: both, Text: "settings: uri: a user name before the host: want none",
				Cause: "`user@` or `user:password@`", Cure: "leave it out; who may connect is a matter of `secure-mode` and `allow`",
			},
			{
				ID: "uri-fragment", On: both, Text: `settings: uri "<uri>": fragment "<fragment>": want none`,
				Cause: "a `#`", Cure: "leave it out, or write it as `%23`",
			},
			{
				ID: "uri-query", On: both, Text: `settings: uri "<uri>": query: want key=value&…: <reason>`,
				Cause: "a semicolon or a bad percent sign behind the question mark", Cure: "`&` between the keys, and special characters percent-encoded",
			},
			{
				ID: "uri-key", On: both, Text: `settings: uri: key "<key>" with value "<value>": want one of <keys>`,
				Cause: "no such setting of this element, often a typing error", Cure: "one of the names in the text",
			},
			{
				ID: "uri-twice", On: both, Text: `settings: uri "<uri>": <key> stands before the query and in it: want it once`,
				Cause: "`address` or `port` as a key, although it stands before the question mark", Cure: "leave one of the two out",
			},
			{
				ID: "uri-key-twice", On: both, Text: `settings: uri: key "<key>" is given <number> times: want it once`,
				Cause: "a key twice in the query", Cure: "leave one out",
			},

			{
				ID: "home", On: both, Text: "settings: <property> is empty and there is no home folder: want it set: <reason>",
				Cause: "the user of the process has no home folder, as in some services and containers", Cure: "set that property, or `HOME`",
			},
			{
				ID: "certs-owner", On: both, Text: "settings: certificates: <path> belongs to user <number>: want it to belong to the user of this program (<number>) or root, as who owns it can let himself in",
				Cause: "the folder of certificates, or one in it, is somebody else's", Cure: "`chown`, or another `custom-cert-location`",
			},
			{
				ID: "certs-mode", On: both, Text: "settings: certificates: <path> has mode <mode>: every user can write there and let himself in: want chmod go-w",
				Cause: "everybody may write into the folder of certificates, or into one in it", Cure: "the command that the text names",
			},
			{
				ID: "certs-group", On: both, Text: "settings: certificates: <path> has mode <mode>: group <number> can write there and let itself in: want chmod g-w",
				Cause: "a group that is not the user's own may write into the folder of certificates, or into one in it", Cure: "the command that the text names",
			},
			{
				ID: "certs-folder", On: both, Text: "settings: custom-cert-location: want an existing folder: <reason>",
				Cause: "no such folder, or no right to look into the one above", Cure: "make the folder; only what is below it is made by itself",
			},
			{
				ID: "certs-no-folder", On: both, Text: `settings: custom-cert-location "<path>": want a folder`,
				Cause: "the path is that of a file", Cure: "the folder above `.vidgear`",
			},
			{
				ID: "certs-unreadable", On: both, Text: "settings: custom-cert-location: open <path>: <reason>",
				Cause: "the user of the process may not read the folder", Cure: "the folder's owner and mode, or another folder",
			},
			{
				ID: "key-missing", On: both,
				Text:  "settings: the key <file> is missing while others are there: want it (<where from>), or an empty <folder> to have new pairs made",
				Cause: "one of the keys that this end needs is not there; it is never made beside others", Cure: "bring the file, as the text says; [security.md](security.md#the-keys) lists who needs what",
			},
			{
				ID: "key-pair", On: both,
				Text:  "settings: <file> does not belong to <file>: restore the one that does, or empty <folder> to have new pairs made",
				Cause: "the public key that is handed out is not of the secret key beside it: nobody would get in", Cure: "the pair from a backup; or new ones, which every peer then needs",
			},
			{
				ID: "key-file", On: both, Text: "settings: <file>: no certificate: <what is wrong>",
				Cause: "the file is damaged or is no key, or a secret key file has no secret key in it", Cure: "the file as it was generated: text with a line `public-key = \"…\"` of 40 characters",
			},

			{
				ID: "ssh-multiserver", On: []string{Sink}, Text: "settings: ssh-tunnel-mode with multiserver-mode=true: want one of them at the most",
				Cause: "a tunnel leads to one port, as in NetGear", Cure: "leave one out",
			},
			{
				ID: "ssh-multiclient", On: []string{Sink}, Text: "settings: ssh-tunnel-mode with multiclient-mode=true: want one of them at the most",
				Cause: "a tunnel leads to one port, as in NetGear", Cure: "leave one out",
			},
			{
				ID: "ssh-bind", On: []string{Sink}, Text: "settings: ssh-tunnel-mode with bind=true: want bind=false, a tunnel is for the end that connects",
				Cause: "nobody can connect to this end through it", Cure: "`bind=false`, and `bind=true` at the other end",
			},
			{
				ID: "ssh-ipc", On: []string{Sink}, Text: "settings: ssh-tunnel-mode with protocol=ipc: want protocol=tcp",
				Cause: "a tunnel leads to a tcp port", Cure: "`protocol=tcp`, with `address` as the SSH server sees it",
			},
			{
				ID: "ssh-user", On: []string{Sink}, Text: "settings: ssh-tunnel-mode without a user name: want user@host or user@host:port",
				Cause: "a host alone", Cure: "the form in the text",
			},
			{
				ID: "ssh-user-colon", On: []string{Sink},
				Text:  "settings: ssh-tunnel-mode: a colon or a space in the user name: want user@host or user@host:port, and a password in ssh-tunnel-pwd",
				Cause: "most often `user:password@host`", Cure: "`ssh-tunnel-pwd`, or better a key",
			},
			{
				ID: "ssh-host", On: []string{Sink}, Text: `settings: ssh-tunnel-mode: host "<host>": want user@host or user@host:port`,
				Cause: "no host, or characters in it that no host has", Cure: "the form in the text; an IPv6 address with a port stands in brackets",
			},
			{
				ID: "ssh-port", On: []string{Sink}, Text: `settings: ssh-tunnel-mode: port "<port>": want a number from 1 to <number>`,
				Cause: "what is behind the last colon is no port", Cure: "a number, or nothing for 22",
			},
			{
				ID: "ssh-keyfile", On: []string{Sink}, Text: "settings: ssh-tunnel-keyfile: want an existing file: <reason>",
				Cause: "no such file, or a folder", Cure: "the path of the private key",
			},
			{
				ID: "ssh-keyfile-unreadable", On: []string{Sink}, Text: "settings: ssh-tunnel-keyfile: <what was tried> <path>: <reason>",
				Cause: "the user of the process may not read the key", Cure: "the file's owner and mode",
			},
			{
				ID: "ssh-keyfile-encrypted", On: []string{Sink}, Text: "settings: ssh-tunnel-keyfile <path> is encrypted: want its passphrase as ssh-tunnel-pwd",
				Cause: "nothing is asked at a terminal", Cure: "`ssh-tunnel-pwd` or `NETGEAR_SSH_TUNNEL_PWD`, or the SSH agent and no `ssh-tunnel-keyfile`",
			},
			{
				ID: "ssh-keyfile-format", On: []string{Sink}, Text: "settings: ssh-tunnel-keyfile <path>: want a private key in OpenSSH's or PEM format: <reason>",
				Cause: "often the public half, `.pub`, or a key of PuTTY", Cure: "the private half; `puttygen key.ppk -O private-openssh` converts",
			},
			{
				ID: "ssh-known-hosts", On: []string{Sink},
				Text:  "settings: ssh-known-hosts: want an existing file with the server's key (ssh-keyscan writes it): <reason>",
				Cause: "nobody has logged in to any server from here yet, or the path is wrong", Cure: "[security.md](security.md#ssh-tunnel): `ssh-keyscan`, and compare the key",
			},
			{
				ID: "ssh-known-hosts-format", On: []string{Sink}, Text: "settings: ssh-known-hosts: <reason>",
				Cause: "the file is of another kind: no line of it is a known host", Cure: "the path; lines that cannot be read beside others that can are skipped, as OpenSSH skips them",
			},
		},
	},
	{
		Value: "netgear.ErrInUse", Domain: "RESOURCE", SinkCode: "BUSY", SrcCode: "BUSY",
		Title: "The port is taken",
		About: "Posted at opening: an end that is open keeps its port.",
		Rows: []Row{{
			ID: "in-use", On: both, Text: "bind <endpoint>: address in use (<reason>)",
			Cause: "another process, or another element, is bound to it", Cure: "`ss -ltnp` shows who; take another port, or `port=0` and read `current-port`",
		}},
	},
	{
		Value: "netgear.ErrNoAddress", Domain: "RESOURCE", SinkCode: "NOT_FOUND", SrcCode: "NOT_FOUND",
		Title: "Not an address of this machine", About: "Posted at opening by the end that binds.",
		Rows: []Row{{
			ID: "no-address", On: both, Text: "bind <endpoint>: no such address on this machine (<reason>): want bind=false to connect to it, or address=* or one of this machine (<addresses>) to bind",
			Cause: "`address` is the other end's, as of a viewer that should connect, or a host name: names are not looked up to bind to", Cure: "what the text says; `ip addr` lists all addresses and interfaces",
		}},
	},
	{
		Value: "netgear.ErrOpen", Domain: "RESOURCE", SinkCode: "OPEN_WRITE", SrcCode: "OPEN_READ",
		Title: "The sockets could not be set up", About: "Posted at opening.",
		Rows: []Row{
			{
				ID: "bind", On: both, Text: "bind <endpoint>: cannot open (<reason>)",
				Cause: "with ipc: no such folder, or no right to write into it; with tcp: a port below 1024, or no host name at all", Cure: "what the reason in brackets says",
			},
			{
				ID: "connect", On: both, Text: "cannot open: connect <endpoint>: <reason>",
				Cause: "the address has characters that no host has, or the path is too long for a socket (107 bytes)", Cure: "`address`",
			},
			{
				ID: "descriptors", On: both,
				Text:  "cannot open: fewer than <number> file descriptors are free (<reason>): raise the limit (ulimit -n), or look for what does not close its own",
				Cause: "the process has nearly as many files and sockets open as it may", Cure: "what the text says; `ls /proc/<pid>/fd` shows them",
			},
			{
				ID: "open", On: both, Text: "cannot open: <step>: <reason>",
				Cause: "the system or libzmq refused a socket, a descriptor or memory", Cure: "what the reason says; `ulimit -n` for too many open files",
			},
			{
				ID: "certs-write", On: both, Text: "cannot open: writing certificates: <reason>",
				Cause: "new certificates are due and cannot be written: no right to, or no space", Cure: "the mode of `custom-cert-location`, or bring certificates",
			},
			{
				ID: "certs-link", On: []string{Sink}, Text: "cannot open: writing certificates: <path> is a link: want a folder, as keys of others could be overwritten or deleted behind it",
				Cause: "`overwrite-cert` is set, and a folder of the certificates is a symbolic link", Cure: "a folder in its place, or `custom-cert-location` at where it leads to",
			},
			{
				ID: "certs-lock", On: both, Text: "cannot open: locking <folder>: <reason>",
				Cause: "another process has had the folder of certificates locked for 2 s, or its file system has no locks", Cure: "`lsof` shows who; a folder on a local disk",
			},
		},
	},
	{
		Value: "syscall.ENOSPC", Domain: "RESOURCE", SinkCode: "NO_SPACE_LEFT", SrcCode: "NO_SPACE_LEFT",
		Title: "The disk is full", About: "Posted at opening.",
		Rows: []Row{{
			ID: "certs-space", On: both, Text: "cannot open: writing certificates: <what was tried>: no space left on device",
			Cause: "new certificates are due, and the file system of `custom-cert-location` is full", Cure: "`df -h` and `df -i`; make room, or another folder",
		}},
	},
	{
		Value: "netgear.ErrUnauthorized", Domain: "RESOURCE", SinkCode: "NOT_AUTHORIZED", SrcCode: "NOT_AUTHORIZED",
		Title: "Refused, or not the one it should be",
		About: "Posted by the end that connects, within a second and without a retry. At the end that binds the signal `peer-rejected` gives the other half of the " +
			"story ([security.md](security.md#when-somebody-is-not-let-in)).",
		Rows: []Row{
			{
				ID: "denied-key", On: both,
				Text:  "not authorized: <endpoint> does not let us in: it has not our public key <key> among those of its clients, or not our address in its list",
				Cause: "the other end is in `ironhouse` mode and does not know this client, or has `allow`", Cure: "bring `client.key` into its `public_keys`, or have `netgear-keys` make a pair; its `allow`",
			},
			{
				ID: "denied-address", On: both, Text: "not authorized: <endpoint> does not let us in: it has not our address in its list",
				Cause: "the other end's `allow` has not the address that this one comes from", Cure: "its `allow`; behind a NAT the address is that of the NAT",
			},
			{
				ID: "wants-encryption", On: both, Text: "not authorized: <endpoint> wants encryption: set secure-mode and its certificates here too",
				Cause: "`secure-mode` is `grasslands` here and not there", Cure: "the same `secure-mode` at both ends, and certificates",
			},
			{
				ID: "no-encryption", On: both, Text: "not authorized: <endpoint> does not encrypt: want secure-mode there too; it gets nothing",
				Cause: "`secure-mode` is set here and not there; a NetGear program forgets it after its first timeout", Cure: "set it there; restart the NetGear program",
			},
			{
				ID: "server-key", On: both, Text: "not authorized: <endpoint> has not the key that belongs to <file>",
				Cause: "what answers is not the end whose key is in that file, and may be somebody who poses as it", Cure: "find out who it is; then `server.key` from the true one",
			},
			{
				ID: "hangs-up", On: both, Text: "not authorized: <endpoint> hangs up on us: its key is not the one in <file>, or its pattern is not <pattern>",
				Cause: "the other end has made new keys, or `pattern` differs", Cure: "its `server.key`, and the same `pattern`",
			},
			{
				ID: "ssh-host-unknown", On: []string{Sink},
				Text:  "not authorized: ssh tunnel: the host key of <server> is unknown: want it in <file> (compare it, then: ssh-keyscan -p <port> <host> >> <file>)",
				Cause: "nothing is asked, so the server's key must be known before", Cure: "the command in the text, and compare the key with the server's",
			},
			{
				ID: "ssh-host-changed", On: []string{Sink},
				Text:  "not authorized: ssh tunnel: the host key of <server> is not the one in <file>, line <number>: somebody may be in between, or the server has a new one",
				Cause: "the server was installed anew, or it is another one that poses as it", Cure: "ask the server's owner; then replace that line",
			},
			{
				ID: "ssh-host-revoked", On: []string{Sink}, Text: "not authorized: ssh tunnel: the host key of <server> is revoked in <file>",
				Cause: "a line `@revoked` says that the key is not to be trusted", Cure: "ask who wrote it",
			},
			{
				ID: "ssh-login", On: []string{Sink}, Text: "not authorized: ssh tunnel: <login> does not let us log in with <what was tried>: <reason>",
				Cause: "a wrong user, password or key, or the server does not take passwords", Cure: "try `ssh` with the same; `ssh-copy-id` brings a key",
			},
			{
				ID: "ssh-passphrase", On: []string{Sink}, Text: "not authorized: ssh-tunnel-keyfile <path> cannot be decrypted: ssh-tunnel-pwd is not its passphrase",
				Cause: "with `ssh-tunnel-keyfile` the password is that of the file", Cure: "the right passphrase",
			},
			{
				ID: "ssh-prohibited", On: []string{Sink}, Text: "not authorized: ssh tunnel: <login> does not let us connect to <target>: <reason>",
				Cause: "the server does not forward, or not to there", Cure: "`AllowTcpForwarding` and `PermitOpen` in its `sshd_config`, `permitopen` in `authorized_keys`",
			},
		},
	},
	{
		Value: "netgear.ErrTunnel", Domain: "RESOURCE", SinkCode: "OPEN_READ_WRITE", SrcCode: "OPEN_READ_WRITE",
		Title: "No way through the SSH tunnel",
		About: "The tunnel is made anew all the time; `max-retries` of `request-timeout` is how long frames wait for it.",
		Rows: []Row{
			{
				ID: "tunnel-waits", On: []string{Sink}, Warning: true,
				Text:  "ssh tunnel to <login>: <reason>: no confirmation from <endpoint> within <time> (timeout <number> in a row, <peers>): <what is done>",
				Cause: "the SSH server is not there, or nobody listens at `address` and `port` on its side", Cure: "what the reason says; `address` is as seen from the SSH server",
			},
			{
				ID: "tunnel-unused", On: []string{Sink}, Warning: true,
				Text:  "ssh tunnel to <login>: <reason>: no receiver at <endpoint>",
				Cause: "the same, before a frame was due, or with `pub-sub`, where nothing is confirmed", Cure: "the same",
			},
			{
				ID: "tunnel-abandoned", On: []string{Sink},
				Text:  "abandoned: ssh tunnel to <login>: <reason>: no confirmation from <endpoint> in <number> x <time>: max-retries=<number> is used up (<peers>): <what to do>",
				Cause: "the same, so many times in a row", Cure: "the same; `max-retries=0` waits for ever",
			},
		},
	},
	{
		Value: "netgear.ErrAbandoned", Domain: "RESOURCE", SinkCode: "WRITE", SrcCode: "READ",
		Title: "Given up", About: "`max-retries` timeouts came in a row. The text says how many peers were connected, why nothing came and what to do, as the warnings below.",
		Rows: []Row{
			{
				ID: "sink-abandoned", On: []string{Sink},
				Text:  "abandoned: no confirmation from <endpoint> in <number> x <time>: max-retries=<number> is used up (<peers>): <cause and cure>",
				Cause: "no receiver, or one that confirms nothing: another `pattern`, a pipeline that stands still", Cure: "start it; `address` and `port` are the receiver's; `max-retries=0` waits for ever",
			},
			{
				ID: "src-abandoned", On: []string{Src},
				Text:  "abandoned: no frame at <endpoint> in <number> x <time>: max-retries=<number> is used up (<peers>): <cause and cure>",
				Cause: "no sender, or one that has nothing to send; the source waits three times `request-timeout` for each frame, as NetGear does", Cure: "start it; `max-retries=0` waits for ever",
			},
		},
	},
	{
		Value: "netgear.ErrNoReply", Domain: "RESOURCE", SinkCode: "WRITE", SrcCode: "WRITE",
		Title: "No answer from the receiver",
		About: "Within five seconds an end to which nothing comes looks at the other one, and says why and what to do: the name does not resolve; nobody listens there; no answer at all; what " +
			"listens is an HTTP server, or something else that is not ZeroMQ; it is of another `pattern`, and of which; both ends send, or both receive; it encrypts, or does not; " +
			"it does not let this end in; it is connected, but nothing is confirmed; nobody has connected to this end, which binds. The warning is repeated after 10 s, later once a minute, and when the cause " +
			"changes. The stream begins by itself when the cause is gone. No frame is lost that the sink keeps (`wait-for-connection`).",
		Rows: []Row{
			{
				ID: "no-receiver", On: []string{Sink}, Warning: true, Text: "no confirmation from <endpoint>: <cause and cure>",
				Cause: "as the text says", Cure: "as the text says; nothing, when the receiver is to come later",
			},
			{
				ID: "no-reply", On: []string{Sink}, Warning: true,
				Text:  "no confirmation from <endpoint> within <time> (timeout <number> in a row, <peers>): <cause and cure>",
				Cause: "as the text says; the receiver is not there, is slow or is stopped, or connections to it were rejected", Cure: "as the text says; a larger `request-timeout` for slow receivers. The sink sends the frame again over a new connection",
			},
		},
	},
	{
		Value: "netgear.ErrNoPeer", Domain: "RESOURCE", SinkCode: "WRITE", SrcCode: "READ",
		Title: "No receiver", About: "As above, with `pub-sub`, where nothing is confirmed and frames go to whoever is there. An end that binds and waits for its first visitor says so once, and again after 1, 4, 16 … 60 minutes.",
		Rows: []Row{{
			ID: "no-peer", On: []string{Sink}, Warning: true, Text: "no receiver at <endpoint>: <cause and cure>",
			Cause: "as the text says", Cure: "as the text says; nothing, when the receiver is to come later",
		}},
	},
	{
		Value: "netgear.ErrNoFrame", Domain: "RESOURCE", SinkCode: "READ", SrcCode: "READ",
		Title: "No frame from a sender", About: "As above, at the source. With `pair` and `req-rep` it makes a new socket on the same port after three times `request-timeout`.",
		Rows: []Row{
			{
				ID: "no-sender", On: []string{Src}, Warning: true, Text: "no frame at <endpoint>: <cause and cure>",
				Cause: "as the text says", Cure: "as the text says; nothing, when the sender is to come later",
			},
			{
				ID: "no-frame", On: []string{Src}, Warning: true,
				Text:  "no frame at <endpoint> within <time> (timeout <number> in a row, <peers>): <cause and cure>",
				Cause: "as the text says; no sender, or one that has nothing to send for three times `request-timeout`", Cure: "as the text says; a larger `request-timeout` for rare frames",
			},
		},
	},
	{
		Value: "netgear.ErrRefused", Domain: "RESOURCE", SinkCode: "NOT_AUTHORIZED", SrcCode: "NOT_AUTHORIZED",
		Title: "Somebody is not let in", About: "Repeated after 1, 2, 4 … 60 s while it goes on. Whoever sends nothing, as a port scanner, is not worth a warning.",
		Rows: []Row{
			{
				ID: "peer-refused", On: both, Warning: true, Text: "refused: <endpoint> is not let in: <reason and cure>",
				Cause: "this end binds, and the one that came has other keys, no encryption or too much of it, an address that is not in `allow`, or another `pattern`", Cure: "as the text says; nothing against a stranger",
			},
			{
				ID: "refused-again", On: both, Warning: true, Text: "refused: <endpoint> <reason and cure>: trying again",
				Cause: "the other end let this one in before, and does not now: it was started with other settings, or a stranger has its port", Cure: "as the text says; nothing, when it is put right there",
			},
		},
	},
	{
		Value: "netgear.ErrPeerLost", Domain: "RESOURCE", SinkCode: "WRITE", SrcCode: "READ",
		Title: "The other end went away", About: "The stream goes on when it, or another one, is back.",
		Rows: []Row{
			{
				ID: "receiver-lost", On: []string{Sink}, Warning: true, Text: "connection lost: the receiver at <endpoint> went away: reconnecting",
				Cause: "the receiver ended, or the network did, with a frame on the way", Cure: "nothing: what was not confirmed is sent again",
			},
			{
				ID: "sender-lost", On: []string{Src}, Warning: true, Text: "connection lost: the sender at <endpoint> went away without a goodbye: waiting for it",
				Cause: "the sender was killed, or ended without EOS", Cure: "nothing; `gst-launch-1.0 -e` says goodbye, so that the source ends too",
			},
			{
				ID: "crowd", On: both, Warning: true,
				Text:  "connection lost: more than <number> connections wait behind the one that is served at <endpoint>: rebuilding it",
				Cause: "`pair` serves one peer; with encryption others that connect and send are kept by libzmq, and are shaken off together", Cure: "another pattern for several peers; `secure-mode=ironhouse` against strangers",
			},
		},
	},
	{
		Value: "netgear.ErrIntruder", Domain: "RESOURCE", SinkCode: "BUSY", SrcCode: "BUSY",
		Title: "Another sender", About: "A source serves one sender at a time, and in the multi-server mode one for each of `ports`. The message is dropped and counted (`frames-dropped`), and the stream goes on.",
		Rows: []Row{{
			ID: "intruder", On: []string{Src}, Warning: true,
			Text:  "another sender: a message from <address>, while <who> goes on: want one sender for a port (several: multiserver-mode=true, <how>)",
			Cause: "two senders have the same receiver, or a stranger sends to its port", Cure: "a port for each sender, or `multiserver-mode`; `allow` or `secure-mode` against strangers",
		}},
	},
	{
		Value: "netgear.ErrTransport", Domain: "RESOURCE", SinkCode: "WRITE", SrcCode: "READ",
		Title: "ZeroMQ failed", About: "",
		Rows: []Row{{
			ID: "transport", On: both, Text: "transport failed: <step>: <reason>",
			Cause: "libzmq answered what it never should", Cure: "a fault: report it, with `GST_DEBUG=netgear:5`",
		}},
	},
	{
		Value: "wire.ErrMalformed", Domain: "STREAM", SinkCode: "DECODE", SrcCode: "DECODE",
		Title: "A message makes no sense",
		About: "The message is dropped and counted (`frames-malformed`), and the stream goes on. A storm of them is posted after 1, 2, 4 … 60 s, with the number of those held back in the debug text.",
		Rows: []Row{
			{
				ID: "message-malformed", On: []string{Src}, Warning: true, Text: "message dropped: <part>: <what is wrong>: malformed message",
				Cause: "the header is not NetGear's: a fault of the sender, or no NetGear at all", Cure: "the text names the key or the byte, and what was wanted",
			},
			{
				ID: "message-name", On: []string{Src}, Warning: true,
				Text:  `message dropped: malformed message: sender with port "<name>": want one of ports=<ports>, and multiserver-mode=true there`,
				Cause: "the sender says another port than the source has, or none: it is not in the multi-server mode", Cure: "the same port and `multiserver-mode=true` at the sender",
			},
			{
				ID: "message-parts", On: []string{Src}, Warning: true, Text: "message dropped: malformed message: <number> parts: want a header and a data part",
				Cause: "the sender is no NetGear", Cure: "the sender",
			},
			{
				ID: "message-size", On: []string{Src}, Warning: true,
				Text:  "message dropped: malformed message: data part of <number> bytes: want max-frame-size=<number> at the most",
				Cause: "a frame larger than the source takes", Cure: "a larger `max-frame-size`; much larger frames cut the connection instead",
			},
			{
				ID: "gst-key", On: []string{Src}, Warning: true, Text: `key "gst" ignored: <part>: <what is wrong>: malformed message`,
				Cause: "the key with numbers and times is broken; the frame is taken", Cure: "who wrote it: only `netgearsink` should",
			},
			{
				ID: "gst-caps", On: []string{Src}, Warning: true, Text: `caps "<caps>" in key "gst" ignored, they are not of this frame: malformed message`,
				Cause: "they contradict the header; the frame is taken", Cure: "who wrote it: only `netgearsink` should",
			},
			{
				ID: "frame-malformed", On: both, Warning: true, Text: "frame dropped: <part>: <what is wrong>: malformed message",
				Cause: "the data are no whole JPEG (torn off, without its end, parts missing), or not as many bytes as shape and dtype say; a Python receiver would end of it", Cure: "the text names the byte; `jpegdec ! jpegenc` before the sink mends what cameras tear",
			},
			{
				ID: "answer-malformed", On: both, Warning: true, Text: "answer dropped: <part>: <what is wrong>: malformed message",
				Cause: "what the receiver answered is not NetGear's; the frame counts as confirmed", Cure: "the text names the key or the byte",
			},
			{
				ID: "answer-text", On: []string{Sink}, Warning: true,
				Text:  "answer dropped: answer of text: want the receiver in bidirectional or multi-client mode too: malformed message",
				Cause: "the receiver confirms in plain words, as it does without these modes", Cure: "the same mode at both ends",
			},
			{
				ID: "answer-parts", On: []string{Sink}, Warning: true, Text: `answer dropped: answer of type "<type>" in <number> parts: want <number>: malformed message`,
				Cause: "an answer announces a frame and has none, or the other way round", Cure: "the receiver",
			},
			{
				ID: "confirmation-parts", On: []string{Sink}, Warning: true, Text: "answer dropped: confirmation in <number> parts: want 1: malformed message",
				Cause: "the receiver is in bidirectional mode and sends a frame back", Cure: "the same mode at both ends",
			},
			{
				ID: "returned-malformed", On: []string{Sink}, Warning: true, Text: "returned frame dropped: <part>: <what is wrong>: malformed message",
				Cause: "the frame that came back is no JPEG, or has the wrong number of bytes", Cure: "the receiver",
			},
			{
				ID: "demux-ports", On: []string{Demux}, Warning: true, Text: `frames of port "<port>" dropped, there are <number> ports already: malformed message`,
				Cause: "more senders than anybody has, or one that gives itself a new name for each frame; told once", Cure: "the senders' `port`",
			},
		},
	},
	{
		Value: "wire.ErrUnsupported", Domain: "STREAM", SinkCode: "DECODE", SrcCode: "DECODE",
		Title: "A frame that GStreamer has no format for", About: "The frame is dropped and counted, and the stream goes on.",
		Rows: []Row{
			{
				ID: "frame-unsupported", On: []string{Src}, Warning: true, Text: "frame dropped: <part>: dtype <type>, shape <shape>: want <what is taken>: unsupported frame",
				Cause: "an array that is no picture: floating point numbers, five channels", Cure: "send uint8 (1, 3 or 4 channels) or uint16 (one): depth in metres as millimetres, `(depth * 1000).astype(numpy.uint16)`; or say in `caps` of `netgearsrc` what it is: `[h, w, 2]` may be YUY2",
			},
			{
				ID: "frame-cmyk", On: both, Warning: true, Text: "frame dropped: JPEG in <colour space>: want GRAY, YUV or RGB, which decoders take: unsupported frame",
				Cause: "a JPEG of four components, as for print, or of two", Cure: "convert it",
			},
			{
				ID: "answer-unsupported", On: []string{Src}, Warning: true, Text: "answer dropped: JPEG in <colour space>: want GRAY, YUV or RGB, which decoders take: unsupported frame",
				Cause: "the same, of a frame that goes back", Cure: "the same",
			},
			{
				ID: "frame-bytes", On: []string{Src}, Warning: true, Text: "frame dropped: array of <number> bytes in one dimension: want [h,w] or [h,w,channels], or the caps of encoded video: unsupported frame",
				Cause: "an encoded stream without the key \"gst\", or other bytes, not a picture", Cure: "send pictures; JPEG through NetGear's own `jpeg_compression`; [encoded video](encoded.md) through `netgearsink`",
			},
			{
				ID: "frame-refused", On: []string{Src}, Warning: true, Text: "frame dropped: the sender sends <what>, which this pipeline does not take: unsupported frame",
				Cause: "the pipeline took other frames before: the sender was set up anew, or somebody else sends while it is away",
				Cure:  "`decodebin` behind the source takes every kind; `allow` or `secure-mode` against others",
			},
			{
				ID: "frame-caps", On: []string{Src}, Warning: true, Text: `frame dropped: array in one dimension with caps "<caps>" in key "gst": want those of encoded video: unsupported frame`,
				Cause: "caps of another kind, or with fields that make no sense", Cure: "who wrote them: only `netgearsink` should; [encoded.md](encoded.md#what-is-taken) has what is taken",
			},
			{
				ID: "returned-unsupported", On: []string{Sink}, Warning: true, Text: "returned frame dropped: <what it is>: unsupported frame",
				Cause: "the JPEG that came back is CMYK, or the array has a dtype that is no name", Cure: "the receiver; arrays of other kinds than pictures come out of the signal `return-data`",
			},
		},
	},
	{
		Value: "gstglue.ErrNegotiation", Domain: "CORE", SinkCode: "NEGOTIATION", SrcCode: "NEGOTIATION",
		Title: "The frames are of the wrong kind", About: "The debug text names what to put there.",
		Rows: []Row{
			{
				ID: "src-negotiation", On: []string{Src}, Text: "not negotiated: the sender sends <what>, which downstream does not take",
				Cause: "JPEG where raw video is wanted, or the other way round, or another size or format than a filter asks for", Cure: "`decodebin` behind the source takes both; else `jpegdec` or `videoconvert`",
			},
			{
				ID: "no-rate", On: []string{Src}, Text: "not negotiated: the sender sends <what> and no frame rate, which downstream wants: want caps=<media type>,framerate=30/1 on netgearsrc, or videorate behind it",
				Cause: "a Python sender says no frame rate, so it is 0/1, and what is behind the source (a filter, `avimux`, an encoder) wants another", Cure: "the rate of the sender in `caps` of the source; `videorate` where the rate varies",
			},
			{
				ID: "caps-contradict", On: []string{Src}, Text: "not negotiated: the sender sends <what>, and caps=<caps> contradicts its <field>",
				Cause: "`caps` of the source says something else than the sender, or than the picture", Cure: "leave that field out; a converter behind the source changes pictures",
			},
			{
				ID: "demux-negotiation", On: []string{Demux}, Text: "not negotiated: port <port> sends what is linked to <pad> does not take",
				Cause: "the same, at one pad", Cure: "the same, behind that pad",
			},
			{
				ID: "sink-no-caps", On: []string{Sink}, Text: "not negotiated: the buffers have no caps: want caps that say what they are, as caps=image/jpeg of appsrc or multifilesrc",
				Cause: "`appsrc` or `multifilesrc` without `caps`, or `filesrc` right before the sink; nothing is sent, since no receiver could tell what it is", Cure: "set `caps`; behind `filesrc` a parser, as `jpegparse`, or `decodebin ! videoconvert`",
			},
			{
				ID: "caps-refused", On: both, Text: "not negotiated: <caps> is not taken: want <element> before it",
				Cause: "the element before the sink, or before `return_sink`, makes formats that no Python peer takes for a picture, as YUV, or another kind of encoded video", Cure: "what the text names, in front: `videoconvert` for raw video; or `raw-formats=any` for YUV and Bayer, where the receiver knows what to do with them",
			},
			{
				ID: "return-no-caps", On: []string{Src}, Text: "not negotiated: the buffers at return_sink have no caps: want caps that say what they are, as caps=image/jpeg of appsrc",
				Cause: "the same, in front of `return_sink`", Cure: "the same",
			},
			{
				ID: "answer-negotiation", On: []string{Src}, Warning: true, Text: "answer dropped: not negotiated: <what is wrong>",
				Cause: "a sample of `push-return-sample` has no caps, or those of encoded video", Cure: "JPEG or raw video, with caps",
			},
			{
				ID: "encoded-caps", On: []string{Sink}, Text: "not negotiated: caps of <number> bytes: want at most <number>",
				Cause: "caps of encoded video travel whole, and these are too long for that", Cure: "`capssetter replace=true` with the fields that a decoder needs",
			},
		},
	},
	{
		Value: "gstglue.ErrNoStream", Domain: "STREAM", SinkCode: "DEMUX", SrcCode: "DEMUX",
		Title: "Nothing to take apart", About: "",
		Rows: []Row{{
			ID: "demux-empty", On: []string{Demux}, Text: "no stream: the stream ended before the first frame came",
			Cause: "EOS came first: what is behind the pads would wait for ever", Cure: "start the senders; `eos-on-terminate=false` keeps a source open",
		}},
	},
	{
		Value: "gstglue.ErrBuffer", Domain: "STREAM", SinkCode: "FAILED", SrcCode: "FAILED",
		Title: "A buffer cannot be read or made", About: "",
		Rows: []Row{
			{
				ID: "sink-buffer", On: []string{Sink}, Text: "no usable buffer: <number> bytes cannot be read as <what>",
				Cause: "the element or program before the sink pushes buffers that do not fit its caps", Cure: "the size that the text names; rows may be padded to 4 bytes, or as a GstVideoMeta says",
			},
			{
				ID: "answer-buffer", On: []string{Src}, Warning: true, Text: "answer dropped: no usable buffer: <what is wrong>",
				Cause: "a sample of `push-return-sample`, or a buffer at `return_sink`, has no bytes or does not fit its caps", Cure: "a buffer of the size that its caps ask for",
			},
			{
				ID: "src-buffer", On: []string{Src}, Text: "no usable buffer: no memory for a frame of <number> bytes",
				Cause: "memory ran out", Cure: "fewer or smaller queues behind the source",
			},
		},
	},
	{
		Domain: "LIBRARY", SinkCode: "FAILED", SrcCode: "FAILED",
		Title: "A fault of ours", About: "",
		Rows: []Row{{
			ID: "internal", On: []string{Sink, Src, Demux}, Text: "internal error: <what>",
			Cause: "a fault in these elements. The process goes on, the stream may not", Cure: "report it, with the debug text, which says where it happened",
		}},
	},
	{
		Domain: "LIBRARY", SinkCode: "INIT", SrcCode: "INIT",
		Title: "The process was forked", About: "",
		Rows: []Row{{
			ID: "forked", On: []string{Sink, Src, Demux}, Text: "forked: this process is a copy, made by fork, of the one that loaded the plugin: want one that loads it itself",
			Cause: "a child of `fork` has the plugin, but none of its threads; Python's `multiprocessing` forks unless told otherwise", Cure: "`multiprocessing.set_start_method(\"spawn\")`; in C `exec` after `fork`, or `fork` before `gst_init`",
		}},
	},
	{
		Domain: "CORE", SinkCode: "STATE_CHANGE", SrcCode: "STATE_CHANGE",
		Title: "GStreamer's own, at the start", About: "GStreamer posts it behind every error of a source at opening, whatever the source has said, with the debug text `Failed to start`.",
		Rows: []Row{{
			ID: "start", On: []string{Src},
			Text:  "GStreamer error: state change failed and some element failed to post a proper error message with the reason for the failure.",
			Cause: "the source could not open; the message before has the reason, whatever this text says", Cure: "that of the message before",
		}},
	},
	{
		Domain: "STREAM", SinkCode: "FAILED", SrcCode: "FAILED",
		Title: "GStreamer's own, in the stream", About: "GStreamer posts it in the name of a source, or of what pushes frames, when it or an element behind it failed or refused. What was posted before says why.",
		Rows: []Row{{
			ID: "flow", On: both, Text: "Internal data stream error.",
			Cause: "the debug text says `reason not-negotiated`, `not-linked` or `error`; of the sink it is about what is linked to `return_src`", Cure: "the message before it; `not-negotiated` as under CORE/NEGOTIATION",
		}},
	},
}
