/** One keep-alive connection of HTTP/1.1 with one request under way at a time: as little work as a client can do. */
import { connect, type Socket } from 'node:net'

export interface Response {
  readonly status: number
  readonly body: Buffer
}

const HEADER_END = Buffer.from('\r\n\r\n')

export class HttpConnection {
  readonly #port: number
  #socket: Socket
  #chunks: Buffer[] = []
  #received = 0
  #total = -1
  #bodyAt = 0
  #resolve: ((response: Response) => void) | null = null
  #reject: ((error: Error) => void) | null = null

  private constructor(port: number, socket: Socket) {
    this.#port = port
    this.#socket = this.#take(socket)
  }

  static async open(port: number): Promise<HttpConnection> {
    return new HttpConnection(port, await dial(port))
  }

  request(method: string, path: string, cookie: string | null): Promise<Response> {
    const cookieLine = cookie === null ? '' : `cookie: ${cookie}\r\n`
    const lengthLine = method === 'GET' ? '' : 'content-length: 0\r\n'
    return this.send(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${cookieLine}${lengthLine}\r\n`)
  }

  /**
   * Sends a request as it is written. A connection that the server has cut, because nothing came over it for a while, is
   * opened anew.
   */
  async send(request: string): Promise<Response> {
    if (this.#socket.destroyed || this.#socket.readableEnded)
      this.#socket = this.#take(await dial(this.#port))
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#reject = null
    this.#socket.destroy()
  }

  #take(socket: Socket): Socket {
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', (error) => this.#reject?.(error))
    socket.on('close', () => this.#reject?.(new Error('the connection was closed')))
    return socket
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#total < 0) this.#readHead()
    if (this.#total < 0 || this.#received < this.#total) return
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const response = { status: Number(all.toString('latin1', 9, 12)), body: all.subarray(this.#bodyAt) }
    this.#chunks = []
    this.#received = 0
    this.#total = -1
    this.#resolve?.(response)
  }

  #readHead(): void {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const end = all.indexOf(HEADER_END)
    if (end < 0) return
    const head = all.toString('latin1', 0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    this.#bodyAt = end + HEADER_END.length
    this.#total = this.#bodyAt + length
  }
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
  })
}
