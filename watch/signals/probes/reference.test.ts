import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../kit/clock.ts'
import { createConnectivity } from './connectivity.ts'
import { askReference, questionFor, type AskOptions } from './reference.ts'

/** For 127.0.0.1, signed by itself, good until 2126; it protects nothing. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUCgAwIBAgIUJbh9VdwREyMQCkOHp4528bE/zH4wCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOcmVmZXJlbmNlLnRlc3QwIBcNMjYxMTIyMTMxNzMwWhgPMjEy
NjEwMjkxMzE3MzBaMBkxFzAVBgNVBAMMDnJlZmVyZW5jZS50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEUpW0ZhSm56JEztx7kUIPLJzxDhpDYHI5bfb3ftXM
QwUvOgbPcQDEIAMTdN5g4ZLvbW+0CMbG4IztWZuNIWQGsaNkMGIwHQYDVR0OBBYE
FMWi+UQyBTOQx9BUmwJqadi+BLioMB8GA1UdIwQYMBaAFMWi+UQyBTOQx9BUmwJq
adi+BLioMA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjO
PQQDAgNIADBFAiEA6LYtEYVlaNxMI2qt17szTcrn/uSt/4wAGTXXfsSTVtoCIHHc
840HBJJhLx6bxcbs9TeE4k+IbIk6I2CHhU95EFwD
-----END CERTIFICATE-----`
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd7j5re/1Wl8kIKWT
fnO0CMO16TVcDTmoS+NMqvzpN+6hRANCAARSlbRmFKbnokTO3HuRQg8snPEOGkNg
cjlt9vd+1cxDBS86Bs9xAMQgAxN03mDhku9tb7QIxsbgjO1Zm40hZAax
-----END PRIVATE KEY-----`

const servers: Server[] = []
const connections = new Set<Socket>()

afterEach(() => {
  for (const connection of connections) connection.destroy()
  connections.clear()
  for (const server of servers.splice(0)) server.close()
})

async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.on('connection', (connection: Socket) => {
    connections.add(connection)
    connection.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers whatever comes first, with whatever `answer` makes of it; null: says nothing. */
const startServer = (answer: (said: Buffer) => readonly Buffer[] | null): Promise<string> =>
  listen(
    createServer((connection) => {
      connection.once('data', (said) => {
        for (const part of answer(said) ?? []) connection.write(part)
      })
    }),
  )

const NS_RECORD = Buffer.from([0, 0, 2, 0, 1, 0, 7, 0xe9, 0, 0, 4, 1, 0x61, 0, 0])

/** A resolver's answer to what was asked, as it should be; `spoil` makes it wrong. */
function answerTo(said: Buffer, spoil: (message: Buffer) => void = () => {}): Buffer {
  const message = Buffer.concat([said.subarray(2), NS_RECORD])
  message.writeUInt16BE(0x8180, 2)
  message.writeUInt16BE(1, 6)
  spoil(message)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

async function isThere(reference: string, options: AskOptions): Promise<boolean> {
  return askReference(reference, options).then(
    () => true,
    () => false,
  )
}

test('a resolver is asked a question, a web server for its certificate, anything else for a connection', () => {
  expect([53, 443, 80, 8053].map(questionFor)).toEqual(['dns', 'tls', 'tcp', 'tcp'])
})

test('DNS: a resolver that answers is there, in one piece or byte by byte', async () => {
  const whole = await startServer((said) => [answerTo(said)])
  const crumbs = await startServer((said) => [...answerTo(said)].map((byte) => Buffer.from([byte])))

  expect(await isThere(whole, { question: 'dns' })).toBe(true)
  expect(await isThere(crumbs, { question: 'dns' })).toBe(true)
})

test('DNS: the question is a well-formed one for the servers of the root', async () => {
  let said = Buffer.alloc(0)
  const server = await startServer((question) => {
    said = Buffer.from(question)
    return [answerTo(question)]
  })

  await askReference(server, { question: 'dns' })

  expect(said.readUInt16BE(0)).toBe(said.length - 2)
  // Recursion desired; one question, nothing else; the root, NS, IN.
  expect(said.subarray(4).toString('hex')).toBe('01000001000000000000' + '0000020001')
})

test('DNS: a server that takes the connection and says nothing is not there, and nobody waits for it for long', async () => {
  const mute = await startServer(() => null)

  await expect(askReference(mute, { question: 'dns', timeoutMs: 30 })).rejects.toThrow(
    'No answer within 30 ms',
  )
})

test('DNS: a server that never comes to an end is given up', async () => {
  const server = await startServer(() => [Buffer.from([0, 200, 1, 2])])

  await expect(askReference(server, { question: 'dns', timeoutMs: 30 })).rejects.toThrow(
    'No answer within 30 ms',
  )
})

test('DNS: a server that hangs up without an answer is not there', async () => {
  const server = await listen(createServer((connection) => void connection.resume().end()))

  await expect(askReference(server, { question: 'dns' })).rejects.toThrow('hung up')
})

test('DNS: rubbish is no answer', async () => {
  const page = await startServer(() => [
    Buffer.from('HTTP/1.1 302 Found\r\nlocation: http://login.portal/\r\n\r\n'),
  ])
  const empty = await startServer(() => [Buffer.from([0, 0])])
  const echo = await startServer((said) => [said])

  expect(await isThere(page, { question: 'dns', timeoutMs: 30 })).toBe(false)
  expect(await isThere(empty, { question: 'dns' })).toBe(false)
  expect(await isThere(echo, { question: 'dns' })).toBe(false)
})

test.for<[string, (message: Buffer) => void]>([
  ['has another id', (message) => message.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0)],
  ['answers another question', (message) => message.writeUInt16BE(1, 13)],
  ['says that the resolver reaches nobody itself', (message) => message.writeUInt16BE(0x8182, 2)],
  ['has no records', (message) => message.writeUInt16BE(0, 6)],
  ['gives an address where servers were asked for', (message) => message.writeUInt16BE(1, 18)],
])('DNS: an answer does not count that %s', async ([, spoil]) => {
  const server = await startServer((said) => [answerTo(said, spoil)])

  await expect(askReference(server, { question: 'dns' })).rejects.toThrow('no answer to the question')
})

test('TLS: a server counts whose certificate is good for its address, and no other', async () => {
  const server = await listen(createTlsServer({ cert: CERTIFICATE, key: KEY }))

  expect(await isThere(server, { question: 'tls', ca: CERTIFICATE })).toBe(true)
  expect(await isThere(server, { question: 'tls' })).toBe(false)
})

test('TLS: a server that is mute or answers rubbish is not there', async () => {
  const mute = await startServer(() => null)
  const rubbish = await startServer(() => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')])

  expect(await isThere(mute, { question: 'tls', timeoutMs: 30 })).toBe(false)
  expect(await isThere(rubbish, { question: 'tls' })).toBe(false)
})

test('one reference that is there is enough, and none is not', async () => {
  const there = await startServer(() => null)
  const gone = await listen(createServer())
  await new Promise((resolve) => servers.pop()!.close(resolve))
  const isOnline = (references: string[]) => createConnectivity({ references, clock: systemClock }).isOnline()

  expect(await isOnline([gone, there])).toBe(true)
  expect(await isOnline([gone])).toBe(false)
})
