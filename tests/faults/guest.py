"""A small virtual machine that runs the program on a disk of ours: a Debian kernel, BusyBox, the binary and its libraries."""

import contextlib
import gzip
import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import disk as disks
import world

MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk",
           "failover", "net_failover", "virtio_net")
# In the guest: the shell we ask questions with, and relays to the listeners, which stay on loopback.
SHELL, RELP, HTTP = 7000, 7514, 7080
INIT = f"""#!/bin/sh
export PATH=/bin HOME=/ LONGAN_LOG=info
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mkdir -p /tmp /disk; mount -t tmpfs tmp /tmp
for module in {' '.join(MODULES)}; do insmod /modules/$module.ko; done
for word in $(cat /proc/cmdline); do case $word in now=*) date -s @${{word#now=}} >/dev/null;; esac; done
ifconfig lo 127.0.0.1 up; ifconfig eth0 10.0.2.15 up
while [ ! -b /dev/vda ]; do sleep 0.1; done
echo "the system is up at $(date)" >/dev/console
mount -t ext4 /dev/vda /disk || echo "the file system cannot be mounted" >/tmp/log
for pair in {SHELL}:/bin/sh {RELP}:/relay-relp {HTTP}:/relay-http; do nc -ll -p ${{pair%%:*}} -e ${{pair#*:}} & done
/bin/longan start --headless --config /longan.toml --data /disk/data --relp 127.0.0.1:2514 --http 127.0.0.1:8080 \\
  --syslog-udp 127.0.0.1:0 --syslog-tcp 127.0.0.1:0 >>/tmp/log 2>&1
echo "the program ended with $?" >>/tmp/log
while true; do sleep 1000; done
"""


def kernel(place):
    """Unpacks the newest kernel of Debian for virtual machines; returns its image and modules. Downloaded with apt once."""
    unpacked = place / "kernel"
    if not unpacked.is_dir():
        depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True, check=True)
        package = next(line.split()[1] for line in depends.stdout.splitlines() if "Depends: linux-image-" in line)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=place, check=True, stderr=subprocess.DEVNULL)
        (archive,) = place.glob("linux-image-*.deb")
        subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
        archive.unlink()
    (image,) = unpacked.glob("boot/vmlinuz-*")
    return image, {path.stem: path for path in unpacked.rglob("*.ko")}


def initramfs(place, modules, binary, config):
    """Packs the guest's whole system."""
    root = place / "root"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "modules", "proc", "sys", "dev", "etc"):
        (root / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        with contextlib.suppress(FileExistsError):
            (root / "bin" / name).symlink_to("busybox")
    shutil.copy(binary, root / "bin/longan")
    linked = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    for library in {word for word in linked.split() if word.startswith("/")}:
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    for module in MODULES:
        shutil.copy(modules[module], root / "modules")
    files = {"init": INIT, "longan.toml": config, "relay-relp": "#!/bin/sh\nexec nc 127.0.0.1 2514\n",
             "relay-http": "#!/bin/sh\nexec nc 127.0.0.1 8080\n"}
    for name, text in files.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    listing = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    packed = subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, input=listing, capture_output=True, check=True).stdout
    image = place / "initramfs"
    image.write_bytes(gzip.compress(packed, 1))
    return image


class Ended(AssertionError):
    """The machine itself ended: an emulator on a crowded host now and then misses a timer, and its kernel gives up."""


class Guest:
    """One life of the machine, from power on to power cut."""

    def __init__(self, place, image, ramfs, disk, now, accelerator):
        self.place, self.disk = place, disk
        self.ports = {guest: world.free_port() for guest in (SHELL, RELP, HTTP)}
        path = place / "disk.sock"
        path.unlink(missing_ok=True)
        self.server = disks.Server(disk, path)
        self.server.start()
        forwards = ",".join(f"hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in self.ports.items())
        self.console = place / "console.log"
        command = [
            "qemu-system-x86_64", "-accel", accelerator, "-cpu", "qemu64", "-m", "768", "-smp", "1", "-nodefaults", "-no-reboot",
            "-display", "none", "-serial", f"file:{self.console}", "-kernel", image, "-initrd", ramfs,
            "-append", f"console=ttyS0 quiet panic=-1 no_timer_check now={now}",
            "-drive", f"file=nbd+unix:///?socket={path},format=raw,if=none,id=disk,cache=none", "-device", "virtio-blk-pci,drive=disk",
            "-netdev", f"user,id=net,restrict=on,{forwards}", "-device", "virtio-net-pci,netdev=net",
        ]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(place / "qemu.log", "ab"))

    def address(self, port):
        return "127.0.0.1", self.ports[port]

    def ask(self, command, seconds=300):
        """Runs a command in the guest and returns its exit code, output and errors."""
        with socket.create_connection(self.address(SHELL), timeout=seconds) as connection:
            script = f"{command} 2>/tmp/errors; code=$?; printf '\\0%s\\0' $code; cat /tmp/errors; exit\n"
            connection.sendall(script.encode())
            answer = b""
            while chunk := connection.recv(1 << 16):
                answer += chunk
        output, code, errors = answer.split(b"\0")
        return int(code), output.decode(), errors.decode(errors="replace")

    def longan(self, *arguments, seconds=300):
        return self.ask(shlex.join(["longan", *arguments, "--data", "/disk/data"]), seconds)

    def log(self):
        with contextlib.suppress(OSError, ValueError):
            return self.ask("cat /tmp/log", 10)[1]
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait(self, seconds=900):
        """Waits until the program has announced itself and replayed its log."""
        def is_ready():
            if self.process.poll() is not None:
                console = self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""
                raise Ended(f"the machine ended with {self.process.returncode}:\n{console}\n{(self.place / 'qemu.log').read_text()[-500:]}")
            with contextlib.suppress(OSError, ValueError):
                code, output, _ = self.longan("status", "--format", "json", seconds=10)
                if code == 0:
                    status = json.loads(output)
                    return status["last_searchable"] >= status["last_event"]
                if "the program ended" in self.ask("cat /tmp/log", 10)[1]:
                    raise AssertionError(f"the program did not start:\n{self.log()[-2000:]}")
            return False
        deadline = time.monotonic() + seconds
        while not is_ready():
            if time.monotonic() > deadline:
                raise AssertionError(f"the machine is not ready after {seconds} s:\n{self.log()[-2000:]}")
            time.sleep(0.2)

    def search(self, query):
        code, output, errors = self.longan("search", query, "--format", "json")
        if code not in (0, 1):
            sys.exit(f"search ended with {code}: {errors}")
        return [json.loads(line) for line in output.splitlines()]

    def cut_power(self):
        self.process.kill()
        self.process.wait()
        self.server.join(30)
        return self.disk.cut_power()
