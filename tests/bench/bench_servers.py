"""Starting the servers that are compared, driving them with sip-load, and printing what came out."""
import hashlib
import os
import re
import socket
import ssl
import statistics
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def make_certificates(folder):
    """{name: (certificate, key)}, self-signed, made by openssl."""
    kinds = {"ECDSA": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "RSA": ["rsa:2048"]}
    files = {}
    for name, kind in kinds.items():
        files[name] = (os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=example.com", "-keyout", files[name][1],
                        "-out", files[name][0], "-newkey"] + kind, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return files


REALM = "example.com"


def make_users(path, count):
    """The users of sip-load's digest scenario, as htdigest writes them."""
    with open(path, "w") as out:
        for number in range(count):
            user = f"user{number:05}"
            out.write(f"{user}:{REALM}:{hashlib.md5(f'{user}:{REALM}:secret-{user}'.encode()).hexdigest()}\n")


class Server:
    def __init__(self, name, process, port, udp_port=None):
        self.name, self.process, self.port, self.udp_port = name, process, port, udp_port

    def stop(self):
        """Ends what was started, by its pid, and says how it left."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed: it did not leave within 15 s"


def start_sipwsd(options, workers, folder, tls=None, udp=False, users=None):
    """tls: (certificate, key) for a wss listener instead of ws; udp: listens there, too; users: a file of them, and digest."""
    scheme = "wss" if tls else "ws"
    log = open(os.path.join(folder, f"sipwsd-{workers}.log"), "w+")
    process = subprocess.Popen(
        [options.sipwsd, "-F", "--listen", f"{scheme}:127.0.0.1:0", "--workers", str(workers), "--alias", "example.com",
         "--fifo", os.path.join(folder, f"fifo-{workers}"),
         # What a client may do a second is policy, not cost: sip-load pings thousands of times.
         "--ping-rate", "0", "--message-rate", "0", "--byte-rate", "0"] +
        (["--tls-certificate", tls[0], "--tls-private-key", tls[1]] if tls else []) +
        (["--auth-mode", "digest", "--auth-file", users, "--auth-realm", REALM, "--auth-algorithms", "MD5"] if users else ["--auth-mode", "none"]) +
        # Kamailio doesn't look at sizes unless told to.
        (["--listen", "udp:127.0.0.1:0", "--udp-mtu", "0"] if udp else []) + options.sipwsd_option,
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    port = None
    for _ in range(200):
        text = open(log.name).read()
        found = re.search(rf"^sipwsd: listening on {scheme}:127\.0\.0\.1:(\d+)", text, re.M)
        port = int(found.group(1)) if found else None
        if port and re.search(r"^sipwsd: ready", text, re.M):
            datagrams = re.search(r"^sipwsd: listening on udp:127\.0\.0\.1:(\d+)", text, re.M)
            return Server(f"sipwsd-{workers}", process, port, int(datagrams.group(1)) if datagrams else None)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    server = Server(f"sipwsd-{workers}", process, port)
    server.stop()
    raise RuntimeError(f"sipwsd with {workers} workers did not become ready:\n" + open(log.name).read()[-2000:])


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, tls):
    plain = socket.create_connection(("127.0.0.1", port), timeout=1)
    if not tls:
        return plain
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    return anybody.wrap_socket(plain)


def start_kamailio(options, children, folder, tls=None, udp=False, users=None):
    port, udp_port = free_port(), free_port(socket.SOCK_DGRAM) if udp else None
    log = open(os.path.join(folder, f"kamailio-{children}.log"), "w+")
    # -DD stays in the foreground, so that what we started is the root of its process tree.
    process = subprocess.Popen(
        [options.kamailio, "-f", os.path.join(HERE, "kamailio.cfg"), "-DD", "-E", "-m", "1536", "-M", "16",
         "-x", options.kamailio_memory, "-X", options.kamailio_memory, "-l", f"{'tls' if tls else 'tcp'}:127.0.0.1:{port}", "-A", f"TCP_CHILDREN={children}", "-Y", folder] +
        (["-l", f"udp:127.0.0.1:{udp_port}"] if udp else []) + (["-A", "WITH_DIGEST", "-A", f"USERS={options.clients}"] if users else []) +
        (["-A", "WITH_TLS", "-A", f'TLS_CERTIFICATE="{tls[0]}"', "-A", f'TLS_KEY="{tls[1]}"'] if tls else []),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    server = Server(f"kamailio-{children}", process, port, udp_port)
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            # Its listener exists before its readers do, so only an answer shows that it is there.
            with connect(port, tls) as probe:
                probe.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                if probe.recv(64):
                    return server
        except OSError:
            pass
        time.sleep(0.05)
    server.stop()
    raise RuntimeError(f"kamailio with {children} children did not answer:\n" + open(log.name).read()[-2000:])


def start_bare(options, folder, tls):
    process = subprocess.Popen([options.bare, *tls], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=folder)
    found = re.search(r"listening on (\d+)", process.stdout.readline())
    server = Server("bare", process, int(found.group(1)) if found else None)
    if not found:
        server.stop()
        raise RuntimeError("the bare server did not listen")
    return server


def drive(options, server, scenarios, words=(), quiet=False):
    """Runs sip-load; returns {scenario: {field: value}} and whether every operation succeeded."""
    done = subprocess.run(
        [options.load, "--target", f"127.0.0.1:{server.port}", "--server-pid", str(server.process.pid),
         "--clients", str(options.clients), "--window", str(options.window), "--limit", "30", *words] +
        (["--udp", str(server.udp_port)] if server.udp_port else []) + scenarios,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
    results = {}
    for line in done.stdout.splitlines():
        fields = dict(word.split("=", 1) for word in line.split())
        name = fields.pop("scenario")
        if fields.get("window") == "1":
            name += " (one at a time)"
        results[name] = {key: float(value) for key, value in fields.items()}
    if done.returncode != 0 and not quiet:
        print(f"FAILED on {server.name}: {done.stderr.strip()}", flush=True)
    return results, done.returncode == 0


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def shown(value, digits=2, unit=""):
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def table(title, columns, rows):
    widths = [max(len(row[i]) for row in [columns] + rows) for i in range(len(columns))]
    print(f"\n{title}")
    for row in [columns] + rows:
        print("  " + row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])))
