"""A disk that tells the truth about power cuts: an NBD server that keeps what was flushed and gambles with the rest.

What is written lies in a cache, as in a drive, until the guest sends a flush (or writes with FUA). When the power goes, each
512-byte sector that was not flushed is, by the seed, as it was, as it was last written, or as it was written in between: sectors
of one write are kept and lost independently, in any order, so writes are torn and overtake each other.
"""

import mmap
import os
import socket
import struct
import threading

SECTOR = 512
OPTION_MAGIC = 0x49484156454F5054
REPLY_MAGIC = 0x3E889045565A9
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
# Has flags, flush, FUA.
FLAGS = 1 | 4 | 8


class Disk:
    """The image and its cache. `forgets_flushes` makes it a disk that lies: a run on it must find losses."""

    def __init__(self, path, chance, forgets_flushes=False):
        self.file = open(path, "r+b")
        self.size = os.fstat(self.file.fileno()).st_size
        self.image = mmap.mmap(self.file.fileno(), self.size)
        self.chance, self.forgets_flushes = chance, forgets_flushes
        # For each sector, what was written to it since the last flush, oldest first.
        self.cache = {}
        self.flushes = 0

    def read(self, offset, length):
        data = bytearray(self.image[offset:offset + length])
        first = offset // SECTOR
        for sector in range(first, (offset + length) // SECTOR):
            if sector in self.cache:
                at = (sector - first) * SECTOR
                data[at:at + SECTOR] = self.cache[sector][-1]
        return bytes(data)

    def write(self, offset, data, through):
        first = offset // SECTOR
        for index in range(len(data) // SECTOR):
            self.cache.setdefault(first + index, []).append(data[index * SECTOR:(index + 1) * SECTOR])
        if through and not self.forgets_flushes:
            for index in range(len(data) // SECTOR):
                self.settle(first + index, self.cache.pop(first + index)[-1])

    def settle(self, sector, data):
        self.image[sector * SECTOR:(sector + 1) * SECTOR] = data

    def flush(self):
        self.flushes += 1
        if not self.forgets_flushes:
            for sector, versions in self.cache.items():
                self.settle(sector, versions[-1])
            self.cache.clear()

    def cut_power(self):
        """Decides what is left of the cache; returns how many sectors were in it and how many are as before."""
        # Some cuts lose nearly everything, some nearly nothing; those between tear most.
        kept_share = self.chance.choice((0.0, 0.1, 0.5, 0.5, 0.9))
        dirty = lost = 0
        for sector, versions in sorted(self.cache.items()):
            dirty += 1
            if self.chance.random() < kept_share:
                self.settle(sector, self.chance.choice(versions))
            else:
                lost += 1
        self.cache.clear()
        return dirty, lost


class Server(threading.Thread):
    """Serves a disk to one client, over a Unix socket, until that goes away."""

    def __init__(self, disk, path):
        super().__init__(daemon=True)
        self.disk = disk
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)

    def run(self):
        connection, _ = self.listener.accept()
        self.stream = connection.makefile("rwb")
        try:
            if self.negotiate():
                while self.serve():
                    pass
        except (OSError, EOFError, struct.error):
            pass
        finally:
            connection.close()
            self.listener.close()

    def take(self, layout):
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))

    def bytes(self, count):
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def give(self, layout, *values, data=b""):
        self.stream.write(struct.pack(layout, *values) + data)

    def negotiate(self):
        self.give(">8sQH", b"NBDMAGIC", OPTION_MAGIC, 3)
        self.stream.flush()
        self.take(">I")
        while True:
            _, option, length = self.take(">QII")
            self.bytes(length)
            if option == 1:
                self.give(">QH", self.disk.size, FLAGS)
                self.stream.flush()
                return True
            if option in (6, 7):
                self.give(">QIIIHQH", REPLY_MAGIC, option, 3, 12, 0, self.disk.size, FLAGS)
                self.give(">QIII", REPLY_MAGIC, option, 1, 0)
            elif option == 2:
                return False
            else:
                self.give(">QIII", REPLY_MAGIC, option, 0x80000001, 0)
            self.stream.flush()
            if option == 7:
                return True

    def serve(self):
        _, flags, kind, handle, offset, length = self.take(">IHHQQI")
        answer = b""
        if kind == READ:
            answer = self.disk.read(offset, length)
        elif kind == WRITE:
            self.disk.write(offset, self.bytes(length), through=flags & 1)
        elif kind == FLUSH:
            self.disk.flush()
        else:
            return False
        self.give(">IIQ", 0x67446698, 0, handle, data=answer)
        self.stream.flush()
        return True
