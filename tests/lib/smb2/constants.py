"""Names and numbers of MS-SMB2 and MS-ERREF."""

import functools
from enum import IntEnum, IntFlag

from impacket.nt_errors import ERROR_MESSAGES

TIMEOUT = 30
SMB_2_0_2, SMB_2_1, SMB_3_0, SMB_3_0_2, SMB_3_1_1 = (
    0x0202, 0x0210, 0x0300, 0x0302, 0x0311)

NOTIFICATION_MID = 0xFFFFFFFFFFFFFFFF
HEADER_SIZE = 64
CREDIT_UNIT = 65536
RELATED_FILE_ID = b'\xff' * 16


class NtStatus(IntEnum):
    """The status codes that tests speak of; others get their name too."""

    SUCCESS = 0
    PENDING = 0x00000103
    NOTIFY_CLEANUP = 0x0000010B
    NOTIFY_ENUM_DIR = 0x0000010C
    BUFFER_OVERFLOW = 0x80000005
    NO_MORE_FILES = 0x80000006
    STOPPED_ON_SYMLINK = 0x8000002D
    UNSUCCESSFUL = 0xC0000001
    INFO_LENGTH_MISMATCH = 0xC0000004
    INVALID_HANDLE = 0xC0000008
    INVALID_PARAMETER = 0xC000000D
    NO_SUCH_FILE = 0xC000000F
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    MORE_PROCESSING_REQUIRED = 0xC0000016
    ACCESS_DENIED = 0xC0000022
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    OBJECT_NAME_COLLISION = 0xC0000035
    OBJECT_PATH_NOT_FOUND = 0xC000003A
    SHARING_VIOLATION = 0xC0000043
    DELETE_PENDING = 0xC0000056
    FILE_LOCK_CONFLICT = 0xC0000054
    LOCK_NOT_GRANTED = 0xC0000055
    LOGON_FAILURE = 0xC000006D
    RANGE_NOT_LOCKED = 0xC000007E
    DISK_FULL = 0xC000007F
    INSUFFICIENT_RESOURCES = 0xC000009A
    DEVICE_NOT_READY = 0xC00000A3
    IO_TIMEOUT = 0xC00000B5
    FILE_IS_A_DIRECTORY = 0xC00000BA
    NOT_SUPPORTED = 0xC00000BB
    NETWORK_BUSY = 0xC00000BF
    NETWORK_NAME_DELETED = 0xC00000C9
    BAD_NETWORK_NAME = 0xC00000CC
    REQUEST_NOT_ACCEPTED = 0xC00000D0
    NOT_SAME_DEVICE = 0xC00000D4
    INVALID_OPLOCK_PROTOCOL = 0xC00000E3
    INTERNAL_ERROR = 0xC00000E5
    DIRECTORY_NOT_EMPTY = 0xC0000101
    NOT_A_DIRECTORY = 0xC0000103
    CANCELLED = 0xC0000120
    CANNOT_DELETE = 0xC0000121
    FILE_CLOSED = 0xC0000128
    INVALID_DEVICE_STATE = 0xC0000184
    USER_SESSION_DELETED = 0xC0000203
    RETRY = 0xC000022D
    FILE_NOT_AVAILABLE = 0xC0000467

    @classmethod
    def _missing_(cls, value):
        member = int.__new__(cls, value)
        member._value_ = value
        name = ERROR_MESSAGES.get(value, (f'0x{value:08X}',))[0]
        member._name_ = name.removeprefix('STATUS_')
        return member

    @property
    def is_error(self):
        """Whether the answer carries an error and not the result."""
        return self >= 0x80000000 and self != NtStatus.BUFFER_OVERFLOW

    def __str__(self):
        return f'STATUS_{self.name}'

    __repr__ = __str__


class Command(IntEnum):
    """SMB2 command codes."""

    NEGOTIATE = 0
    SESSION_SETUP = 1
    LOGOFF = 2
    TREE_CONNECT = 3
    TREE_DISCONNECT = 4
    CREATE = 5
    CLOSE = 6
    FLUSH = 7
    READ = 8
    WRITE = 9
    LOCK = 10
    IOCTL = 11
    CANCEL = 12
    ECHO = 13
    QUERY_DIRECTORY = 14
    CHANGE_NOTIFY = 15
    QUERY_INFO = 16
    SET_INFO = 17
    OPLOCK_BREAK = 18


class HeaderFlag(IntFlag):
    """Flags of the SMB2 header."""

    RESPONSE = 1
    ASYNC = 2
    RELATED = 4
    SIGNED = 8


class Capability(IntFlag):
    """Capabilities of client and server (NEGOTIATE)."""

    DFS = 0x01
    LEASING = 0x02
    LARGE_MTU = 0x04
    MULTI_CHANNEL = 0x08
    PERSISTENT_HANDLES = 0x10
    DIRECTORY_LEASING = 0x20
    ENCRYPTION = 0x40


class SessionFlag(IntFlag):
    """What kind of session the server made."""

    IS_GUEST = 1
    IS_NULL = 2
    ENCRYPT_DATA = 4


class Access(IntFlag):
    """Access mask of a CREATE; the directory names mean the same bits."""

    FILE_READ_DATA = 0x00000001
    FILE_LIST_DIRECTORY = 0x00000001
    FILE_WRITE_DATA = 0x00000002
    FILE_ADD_FILE = 0x00000002
    FILE_APPEND_DATA = 0x00000004
    FILE_ADD_SUBDIRECTORY = 0x00000004
    FILE_READ_EA = 0x00000008
    FILE_WRITE_EA = 0x00000010
    FILE_EXECUTE = 0x00000020
    FILE_TRAVERSE = 0x00000020
    FILE_DELETE_CHILD = 0x00000040
    FILE_READ_ATTRIBUTES = 0x00000080
    FILE_WRITE_ATTRIBUTES = 0x00000100
    DELETE = 0x00010000
    READ_CONTROL = 0x00020000
    WRITE_DAC = 0x00040000
    WRITE_OWNER = 0x00080000
    SYNCHRONIZE = 0x00100000
    ACCESS_SYSTEM_SECURITY = 0x01000000
    MAXIMUM_ALLOWED = 0x02000000
    GENERIC_ALL = 0x10000000
    GENERIC_EXECUTE = 0x20000000
    GENERIC_WRITE = 0x40000000
    GENERIC_READ = 0x80000000
    # What Windows programs ask for, with the generic bits resolved.
    READ = 0x00120089
    READ_WRITE = 0x0012019F
    EXECUTE = 0x001200A0
    ATTRIBUTES_ONLY = 0x00100080


class Share(IntFlag):
    """What others may do while the file is open."""

    NONE = 0
    READ = 1
    WRITE = 2
    DELETE = 4
    ALL = 7


class Disposition(IntEnum):
    """What to do when the file exists, or does not."""

    SUPERSEDE = 0
    OPEN = 1
    CREATE = 2
    OPEN_IF = 3
    OVERWRITE = 4
    OVERWRITE_IF = 5


class Option(IntFlag):
    """Options of a CREATE."""

    NONE = 0
    DIRECTORY_FILE = 0x00000001
    WRITE_THROUGH = 0x00000002
    SEQUENTIAL_ONLY = 0x00000004
    NO_INTERMEDIATE_BUFFERING = 0x00000008
    NON_DIRECTORY_FILE = 0x00000040
    NO_EA_KNOWLEDGE = 0x00000200
    RANDOM_ACCESS = 0x00000800
    DELETE_ON_CLOSE = 0x00001000
    OPEN_BY_FILE_ID = 0x00002000
    OPEN_FOR_BACKUP_INTENT = 0x00004000
    OPEN_REPARSE_POINT = 0x00200000


class Attribute(IntFlag):
    """File attributes."""

    READONLY = 0x01
    HIDDEN = 0x02
    SYSTEM = 0x04
    DIRECTORY = 0x10
    ARCHIVE = 0x20
    NORMAL = 0x80


class OplockLevel(IntEnum):
    """Oplock that a CREATE asks for and gets."""

    NONE = 0x00
    II = 0x01
    EXCLUSIVE = 0x08
    BATCH = 0x09
    LEASE = 0xFF


class LeaseState(IntFlag):
    """What a lease lets the client cache."""

    NONE = 0
    READ = 1
    HANDLE = 2
    WRITE = 4

    @classmethod
    def of(cls, text):
        """'RWH', 'RH', 'R', '' or a number, as a lease state."""
        if isinstance(text, str):
            letters = {'R': cls.READ, 'H': cls.HANDLE, 'W': cls.WRITE}
            return functools.reduce(
                cls.__or__, (letters[letter] for letter in text), cls.NONE)
        return cls(text)


class LockFlag(IntFlag):
    """Kind of a byte range lock."""

    SHARED = 0x01
    EXCLUSIVE = 0x02
    UNLOCK = 0x04
    FAIL_IMMEDIATELY = 0x10


class InfoType(IntEnum):
    """What kind of information a QUERY_INFO or SET_INFO is about."""

    FILE = 1
    FILESYSTEM = 2
    SECURITY = 3


class FileInfo(IntEnum):
    """Classes of InfoType.FILE."""

    BASIC = 4
    STANDARD = 5
    INTERNAL = 6
    RENAME = 10
    LINK = 11
    DISPOSITION = 13
    ALL = 18
    ALLOCATION = 19
    END_OF_FILE = 20
    STREAM = 22


FILE_ID_BOTH_DIRECTORY_INFORMATION = 37
NOTIFY_DIRECTORY_NAMES = 0x00000002
NOTIFY_ALL = 0x00000FFF
WATCH_TREE = 0x0001
CLOSE_POSTQUERY_ATTRIB = 0x0001
