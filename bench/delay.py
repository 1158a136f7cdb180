"""A proxy that stands for distance: what passes takes half a round trip each way, and a new connection two more.

`with Delay(port, milliseconds) as port:` starts it as a process of its own. A connection to a real host opens with one
round trip of TCP and one of TLS 1.3; on loopback there is neither, so the first bytes of each connection wait for two.
"""

import asyncio
import subprocess
import sys

HANDSHAKES = 2


class Delay:
    """A running proxy to a port of this machine; without a delay there is none, and the port is that itself."""

    def __init__(self, port, milliseconds):
        self.port, self.milliseconds, self.process = port, milliseconds, None

    def __enter__(self):
        if not self.milliseconds:
            return self.port
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.port), str(self.milliseconds)], stdout=subprocess.PIPE, text=True
        )
        return int(self.process.stdout.readline())

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()


async def carry(reader, writer, delay, first):
    """Passes on what arrives, each piece `delay` seconds later, the first one `first` seconds more."""
    clock = asyncio.get_running_loop().time
    pieces = asyncio.Queue()
    opened = clock() + first

    async def deliver():
        while (piece := await pieces.get())[1]:
            due, data = piece
            await asyncio.sleep(max(0, due - clock()))
            writer.write(data)
            await writer.drain()
        await asyncio.sleep(max(0, piece[0] - clock()))
        writer.close()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(1 << 18):
            pieces.put_nowait((max(clock(), opened) + delay, data))
    except ConnectionError:
        pass
    pieces.put_nowait((clock() + delay, b""))
    try:
        await delivering
    except ConnectionError:
        pass


async def serve(port, round_trip):
    """Listens on a free port, which it prints, and carries each connection to `port`."""

    async def connected(reader, writer):
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            carry(reader, to_writer, round_trip / 2, HANDSHAKES * round_trip),
            carry(to_reader, writer, round_trip / 2, 0),
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
    except KeyboardInterrupt:
        pass
