// What is behind each code of src/errors.ts, for docs/errors.md: a program that fails tells what it has found and what to do, a
// page what usually leads there.

/** @type {Readonly<Record<string, string>>} */
export const errorCauses = {
  ARGUMENT_INVALID:
    'The words of a command, or what a server hands to its script, are not what is expected; a script run by hand, for one',
  OPTION_MISSING:
    'An option without which there is no tunnel is in no group [sst] of the files that this server reads',
  OPTION_INVALID: 'An option has a value that it cannot have',
  OPTION_UNKNOWN: 'A line in [sst] that nobody reads, often a misspelt option. A warning',
  OPTION_CONFLICT: 'Two settings of which one defeats the other, or the same one twice. A warning',
  OPTION_FILE_UNREADABLE: 'An option file, or one that it includes, is closed to the user of the server',
  OPTION_FILE_INVALID:
    'A line that the server would not read either: outside of a group, or an !include that leads nowhere',
  CLEAR_TEXT_REFUSED:
    'ssl-mode=DISABLED, or a list of ciphers without encryption: there is no transfer in clear text',
  ADDRESS_INVALID: 'The address that Galera hands out is no host name and no IP address, or its port is none',
  ADDRESS_NOT_LOCAL:
    'The address that donors are told is none of this host: behind address translation, or a mistake. A warning; the joiner listens on all addresses',
  PATH_UNSAFE:
    "A path has what rsync's daemon cannot be told: a control character, a space or backslash at an end, %NAME%",
  SOCKOPT_REJECTED: 'socat does not know an option in sockopt, or its value',
  CERTIFICATE_UNREADABLE: 'A certificate, key or list that was copied as root and belongs to root',
  CERTIFICATE_MISSING: 'A path in tcert, tkey or tca at which there is no file',
  CERTIFICATE_NOT_PEM:
    'A file in DER or PKCS#12, a damaged one, or one of another kind: the key where the certificate should be',
  KEY_MISSING: 'tkey is not set, and the file of tcert has no key',
  KEY_MISMATCH: 'Certificate and key are of two nodes, or of two times',
  KEY_ENCRYPTED: 'The key asks for a passphrase, and nobody is there to type one',
  KEY_EXPOSED: "Others than the server's user may read the key. A warning",
  CERTIFICATE_EXPIRED: 'Its time is over, on this node or on the other: the message says whose',
  CERTIFICATE_EXPIRES_SOON: 'Less than 30 days are left, or a certificate would outlive its CA',
  CERTIFICATE_NOT_YET_VALID: 'A clock is wrong: of this host, or of the one that issued it',
  CERTIFICATE_UNTRUSTED:
    'tca is not of the CA that signed it; after a change of the CA one node still has the old one',
  CERTIFICATE_INTERMEDIATE_MISSING: 'It was signed by an intermediate CA, whose certificate nobody shows',
  CERTIFICATE_NAME_MISMATCH:
    'It does not name the address that Galera hands out: wsrep_sst_receive_address, else wsrep_node_address, else bind_address',
  CERTIFICATE_USAGE: 'Its extendedKeyUsage has only one of server and client, and a node is both',
  CERTIFICATE_REVOKED: 'It is on a list in ssl-crl or ssl-crlpath',
  CRL_UNUSABLE: 'A list is missing for a CA, has expired, or was signed by somebody else',
  FILE_EXISTS: 'A command would overwrite a file, or something of another kind lies where a file should be',
  VERIFICATION_OFF: 'ssl-mode=REQUIRED or verify=0: anybody may be at the other end. A warning',
  TOOL_MISSING:
    "socat, rsync, setpriv, node or the program itself is not on the server's PATH, or closed to its user",
  TOOL_TOO_OLD: 'A tool lacks what is needed of it; the Node of Debian 12 and Ubuntu 24.04, for one',
  KTLS_UNAVAILABLE:
    "ktls=ON, and the kernel offers no TLS, or the system's settings of OpenSSL are not understood: socat encrypts by itself; or OPENSSL_CONF names settings, which decide then. A warning",
  PORT_BUSY: 'Another transfer, a rehearsal, or another program has the SST port; the message names it',
  PORT_FORBIDDEN: 'A port below 1024, for which the user of the server needs a capability',
  DIRECTORY_MISSING: 'A directory that an option names is not there, or not mounted',
  DIRECTORY_NOT_WRITABLE:
    'A directory, or a file in it, belongs to another user, or its file system is read-only',
  DATA_DIRECTORY_TABLES:
    'InnoDB tables with DATA DIRECTORY lie outside the data directory; the message names them',
  FILE_UNREADABLE:
    'A file that has to be sent or read belongs to another user, often after a copy made as root',
  DISK_FULL: 'The copy needs more than is there; or something else has filled the disk meanwhile',
  LEFTOVERS: 'A transfer was killed, and nobody has cleaned up yet. A warning',
  ALREADY_RUNNING: 'Another transfer works on this data directory',
  PEER_UNREACHABLE: 'A firewall, a name that leads elsewhere, or a joiner that has given up',
  PEER_REJECTED_US: "The joiner's tca does not have the CA of this node's certificate",
  PEER_PROTOCOL: 'The peer is another program, or a version of it that does not fit; or a stranger speaks',
  PEER_FAILED: 'The other side has failed and says why; or it was killed, and cannot',
  SECRET_REFUSED: 'The joiner waits for another transfer than the one that this donor was asked for',
  SECRET_MISSING: 'The donor runs the original script, which knows no secret',
  COPY_INCOMPLETE: 'What the joiner has is not what the donor has listed',
  FLUSH_FAILED: 'The server did not get its global read lock, or has ended while it waited',
  AGENT_ABSENT: 'A command asks the agent, and no agent answers at the socket. Transfers need none',
  AGENT_UNTRUSTED:
    "Others may put a socket of their own in the place of the agent's, as in a volume that all may write; or the agent runs as another user. A warning: no transfer is handed to it",
  AGENT_REFUSED: 'The agent cannot do what a command asks: no such transfer, or it has ended',
  AGENT_GONE: 'The agent was ended in the middle of a transfer that it did',
  PARENT_GONE:
    'The server, or the script, that asked for the transfer has ended; ended by systemd or a probe, for one',
  INTERRUPTED: 'A signal, Ctrl-C or galera-sst-tunnel abort',
  TIMED_OUT:
    'Nobody came, nothing was said, or it took longer than a limit allows; the message names the limit',
  CHILD_FAILED:
    'socat, rsync or another program has failed in a way that is not understood; its last words are in the message',
  INTERNAL: 'A defect of this program',
};
