// HTTP by hand over a socket: what arrives, byte for byte, and whether the connection ends.
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

export interface RawAnswer {
  readonly status: number;
  readonly statusLine: string;
  /** As they came, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Everything, with the value of Date blanked. */
  readonly raw: string;
}

/** One connection; requests go out as text, answers are read by Content-Length. */
export class RawConnection {
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(port: number, options: { readonly ca?: string } = {}) {
    this.#socket =
      options.ca === undefined
        ? connect(port, '127.0.0.1')
        : tlsConnect({ port, host: '127.0.0.1', ca: options.ca, servername: 'localhost' });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const ended = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on('close', ended).on('error', ended).on('end', ended);
  }

  send(text: string): this {
    this.#socket.write(text, 'latin1');
    return this;
  }

  async ask(text: string): Promise<RawAnswer> {
    return this.send(text).answer();
  }

  /** The next whole answer. Rejects when the connection ends before it. */
  async answer(): Promise<RawAnswer> {
    const end = await this.#until(
      () => this.#buffer.indexOf('\r\n\r\n'),
      (at) => at >= 0,
    );
    const head = this.#buffer.subarray(0, end).toString('latin1');
    const [statusLine = '', ...lines] = head.split('\r\n');
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
    const length = Number(headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? 0);
    await this.#until(
      () => this.#buffer.length,
      (have) => have >= end + 4 + length,
    );
    const body = this.#buffer.subarray(end + 4, end + 4 + length).toString('utf8');
    this.#buffer = this.#buffer.subarray(end + 4 + length);
    const raw = `${head}\r\n\r\n${body}`.replace(/\r\ndate: [^\r]*/i, '\r\nDate: -');
    return { status: Number(statusLine.split(' ')[1]), statusLine, headers, body, raw };
  }

  /** Resolves when the other side has closed. */
  async closed(): Promise<void> {
    await this.#until(
      () => this.#ended,
      (ended) => ended,
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until<T>(look: () => T, good: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = look();
      if (good(value)) return value;
      if (this.#ended) throw new Error(`the connection ended; received: ${this.#buffer.toString('latin1')}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A GET as a client would write it. */
export function get(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Everything that comes back until the other side closes, Date blanked. */
export async function wholeConnection(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').end(text, 'latin1');
  let received = '';
  for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
  return received.replace(/\r\ndate: [^\r]*/i, '\r\nDate: -');
}
