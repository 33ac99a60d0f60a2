"""A TCP connection to the server."""

import collections
import contextlib
import hashlib
import select
import socket
import struct
import threading
import time
import uuid

from lib.memcheck import SLOWNESS

from .breaks import Break
from .constants import (
    CREDIT_UNIT, Capability, Command, HEADER_SIZE, HeaderFlag,
    NOTIFICATION_MID, NtStatus, OplockLevel, SMB_2_1, SMB_3_0, TIMEOUT)
from .errors import ConnectionLost, ProtocolError
from .messages import Cancel, Echo, Negotiate
from .request import Pdu, Request, waiting
from .session import Session


class Connection:
    """A TCP connection to the server, with the dialect negotiated.

    dialects      offered ones; the server takes the highest
    client_guid   16 bytes; random, since smbd gives a connection with a known
                  one to the process that serves that client already
    on_break      called with every Break, in a thread of its own;
                  ``Break.ack`` answers them all as a good client does
    source        address to come from, e.g. 127.0.0.2
    window        size of the receive buffer of the socket; small: the server
                  has to queue its answers while nobody reads; see not_reading()
    """

    def __init__(self, port, *, host='127.0.0.1', dialects=(SMB_3_0,),
                 client_guid=None, on_break=None, timeout=TIMEOUT,
                 source=None, window=None,
                 capabilities=~Capability.ENCRYPTION & 0x7F):
        self.timeout = timeout
        self.client_guid = client_guid or uuid.uuid4().bytes_le
        self.on_break = on_break
        self.pdus = collections.deque(maxlen=1000)
        self.breaks = []
        self.dialect = 0
        self.preauth_hash = bytes(64)
        self._changed = threading.Condition()
        self._send_lock = threading.Lock()
        self._requests = {}
        self._owners = {}
        self._signers = {}
        self._next_mid = 0
        self._credits = 1
        self._lost = None
        self._reads = threading.Event()
        self._reads.set()
        self._socket = self._connected(host, port, source, window)
        self.local_port = self._socket.getsockname()[1]
        self._stop_reader, self._stop = socket.socketpair()
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        try:
            self._negotiate(dialects, capabilities)
        except BaseException:
            self.drop()
            raise

    def _connected(self, host, port, source, window):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        sock = socket.socket(family)
        sock.settimeout(self.timeout)
        if window:  # before the connection is made, or it grows
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect((host, port))
        except OSError:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    @property
    def alive(self):
        """Whether the connection still stands."""
        return self._lost is None

    @property
    def credits(self):
        """How many requests may be sent now."""
        return self._credits

    def _negotiate(self, dialects, capabilities):
        message = Negotiate(dialects, capabilities, self.client_guid)
        request = self.send(message)
        reply = request.wait()
        self.dialect, = struct.unpack_from('<H', reply.body, 4)
        (self.capabilities, _, self.max_read,
         self.max_write) = struct.unpack_from('<IIII', reply.body, 24)
        self.capabilities = Capability(self.capabilities)
        self.preauth_hash = self.extend_hash(self.preauth_hash, request)

    @staticmethod
    def extend_hash(value, request, with_reply=True):
        """The 3.1.1 hash over what was said before the session has keys."""
        value = hashlib.sha512(value + request.packet).digest()
        if with_reply:
            value = hashlib.sha512(value + request.reply.raw).digest()
        return value

    # -- sending

    def send(self, message, session=None, tree=None):
        """Send one message; returns its Request."""
        return self.compound([(message, session, tree)])[0]

    def compound(self, messages, related=False):
        """Send (message, session, tree) triples as one; returns Requests."""
        requests = [Request(self, *triple) for triple in messages]
        with self._send_lock:
            self._take_credits(sum(map(self._charge, requests)))
            frame = b''
            for index, request in enumerate(requests):
                last = index == len(requests) - 1
                frame += self._packet(request, last, related and index > 0)
            self._transmit(frame, requests)
        return requests

    def _charge(self, request):
        """Credits that a request costs."""
        if self.dialect < SMB_2_1:
            return 1
        return max(1, -(-request.message.payload() // CREDIT_UNIT))

    def _take_credits(self, number):
        self.wait_for(lambda: self._credits >= number, None, 'credits')
        with self._changed:
            self._credits -= number

    def _packet(self, request, last, related):
        """The bytes of one request within a frame, with a message id."""
        body = request.message.pack(self.dialect)
        length = HEADER_SIZE + len(body)
        if not last:
            body += bytes(-length % 8)
        flags = HeaderFlag.RELATED if related else 0
        charge = self._charge(request)
        request.mid = self._next_mid
        self._next_mid += charge
        header = self._header(request, request.mid, flags,
                              0 if last else HEADER_SIZE + len(body), charge)
        request.packet = self._sign(request.session, header + body)
        return request.packet

    @staticmethod
    def _header(request, mid, flags, following, charge, async_id=None):
        related = flags & HeaderFlag.RELATED
        session_id = request.session.id if request.session else 0
        tree_id = request.tree.id if request.tree else 0
        if related:
            session_id, tree_id = 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF
        extra = 0xFEFF | tree_id << 32
        if async_id is not None:
            flags |= HeaderFlag.ASYNC
            extra = async_id
        return struct.pack(
            '<4sHHIHHIIQQQ16s', b'\xfeSMB', HEADER_SIZE, charge, 0,
            request.message.command, 64, flags, following, mid, extra,
            session_id, bytes(16))

    @staticmethod
    def _sign(session, packet):
        if not session or not session.signer or not session.sign:
            return packet
        flags = struct.unpack_from('<I', packet, 16)[0] | HeaderFlag.SIGNED
        packet = packet[:16] + struct.pack('<I', flags) + packet[20:]
        return session.signer.sign(packet)

    def _transmit(self, frame, requests=()):
        """Put a frame on the wire; the caller has the send lock."""
        with self._changed:
            for request in requests:
                request.sent_at = time.time()
                self._requests[request.mid] = request
        try:
            self._socket.sendall(struct.pack('>I', len(frame)) + frame)
        except OSError as error:
            self._lose(error)
            raise ConnectionLost(str(error)) from error

    def cancel(self, request):
        """Send a CANCEL for a request; it has no answer of its own."""
        async_id = request.interim.async_id if request.interim else None
        cancel = Request(self, Cancel(), request.session, None)
        header = self._header(cancel, request.mid, 0, 0, 0, async_id)
        packet = header + cancel.message.pack(self.dialect)
        with self._send_lock:
            self._transmit(self._sign(request.session, packet))

    # -- receiving

    def _read_all(self):
        """The reader thread: until the connection ends, or drop()."""
        try:
            while True:
                length, = struct.unpack('>I', self._receive(4))
                self._frame(self._receive(length & 0xFFFFFF))
        except Exception as error:
            self._lose(error)

    @contextlib.contextmanager
    def not_reading(self):
        """Leave in the socket what the server sends meanwhile."""
        self._reads.clear()
        try:
            yield
        finally:
            self._reads.set()

    def _receive(self, length):
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._stop_reader, select.POLLIN)
        data = bytearray()
        while len(data) < length:
            self._reads.wait()
            ready = dict(poll.poll())
            if self._stop_reader.fileno() in ready:
                raise ConnectionLost('dropped by ourselves')
            part = self._socket.recv(length - len(data))
            if not part:
                raise ConnectionLost('closed by the server')
            data += part
        return bytes(data)

    def _frame(self, raw):
        while raw:
            pdu = Pdu(raw)
            raw = raw[pdu.next:] if pdu.next else b''
            self._check_signature(pdu)
            self._dispatch(pdu)

    def _check_signature(self, pdu):
        signer = self._signers.get(pdu.session_id)
        if (pdu.flags & HeaderFlag.SIGNED and signer
                and signer.signature(pdu.raw) != pdu.signature):
            raise ProtocolError(f'bad signature: {pdu}')

    def _dispatch(self, pdu):
        notification = None
        with self._changed:
            self.pdus.append(pdu)
            self._credits += pdu.credits
            if pdu.mid == NOTIFICATION_MID:
                notification = Break(self, pdu)
                self.breaks.append(notification)
            else:
                self._answer(pdu)
            self._changed.notify_all()
        if notification and self.on_break:
            threading.Thread(target=self._tell_break, args=(notification,),
                             daemon=True).start()

    def _tell_break(self, notification):
        try:
            self.on_break(notification)
        except ConnectionLost:
            pass    # dropped meanwhile: nobody waits for an answer

    def _answer(self, pdu):
        request = self._requests.get(pdu.mid)
        if request is None:
            raise ProtocolError(f'answer to nothing: {pdu}')
        if pdu.status == NtStatus.PENDING:
            request.interim = pdu
            return
        request.reply = pdu
        del self._requests[pdu.mid]
        if pdu.command == Command.CREATE and not pdu.status.is_error:
            self._remember_owner(pdu, request)

    def _remember_owner(self, pdu, request):
        """Breaks name a lease key or a file id, not the tree they are on."""
        level = OplockLevel(pdu.body[2])
        self._owners[pdu.body[64:80]] = (request.tree, level)
        if level == OplockLevel.LEASE and request.message.lease:
            self._owners[request.message.lease.key] = (request.tree, level)

    def _lose(self, error):
        with self._changed:
            self._lost = self._lost or error
            self._changed.notify_all()

    def tree_of(self, key):
        """The tree of a lease key or file id."""
        return self._owners[key][0]

    def oplock_of(self, file_id):
        """The oplock with which a file id was opened."""
        return self._owners.get(file_id, (None, None))[1]

    # -- waiting

    def wait_for(self, predicate, timeout, what):
        """Wait until the reader made predicate() true; returns its value."""
        timeout = (self.timeout if timeout is None else timeout) * SLOWNESS
        with self._changed:
            self._changed.wait_for(lambda: predicate() or self._lost, timeout)
            result = predicate()
        if not result:
            if self._lost:
                raise ConnectionLost(f'{what}: {self._lost}')
            raise TimeoutError(f'{what}: not within {timeout} s')
        return result

    def wait_break(self, timeout=5):
        """Wait for the next break, take it from the list and return it."""
        self.wait_for(lambda: self.breaks, timeout, 'break')
        with self._changed:
            return self.breaks.pop(0)

    def wait_lost(self, timeout=10):
        """Wait until the server has closed the connection."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._lost,
                                          timeout * SLOWNESS):
                raise TimeoutError(f'still connected after {timeout} s')

    # -- sessions, end

    def session(self, user=None, password=None, **options):
        """Set up a session: anonymous, guest (a user whom the server does not
        know, no password) or a user's; see Session."""
        return Session(self, user, password, **options)

    def add_signer(self, session_id, signer):
        """Check the server's signatures in this session from now on."""
        self._signers[session_id] = signer

    def echo_nowait(self):
        """ECHO."""
        return self.send(Echo())

    echo = waiting(echo_nowait)

    def drop(self, reset=False):
        """Close the TCP connection, without a word or with a reset."""
        if self._socket.fileno() < 0:
            return
        # The socket must not be in use when it is closed: a reader that
        # sleeps in it would keep the kernel from sending anything.
        self._stop.close()
        self._reads.set()
        self._reader.join(TIMEOUT)
        self._stop_reader.close()
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    struct.pack('ii', 1, 0))
        self._socket.close()


def connect(port, share='pkg', *, user=None, password=None, binding=None,
            **options):
    """A tree on a connection and a session of its own.

    As a context manager the tree drops its connection at the end.
    """
    connection = Connection(port, **options)
    try:
        return connection.session(user, password,
                                  binding=binding).tree(share)
    except BaseException:
        connection.drop()
        raise
