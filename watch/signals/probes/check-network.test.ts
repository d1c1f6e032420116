import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Monitor, type MonitorOf } from '../../configuration/index.ts'
import { checkDns } from './check-dns.ts'
import { judgePing } from './check-icmp.ts'
import { checkTcp } from './check-tcp.ts'
import { checkTls } from './check-tls.ts'

const never = new AbortController().signal
const make = <T extends Monitor['type']>(monitor: Record<string, unknown> & { type: T }) =>
  Monitor.parse({ id: 'one', features: ['one'], allowPrivate: true, ...monitor }) as MonitorOf<T>

/** A resolver that gives every question for an address the same answer: an IPv4 address, or a response code. */
async function startResolver(answer: string | number) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.on('message', (question, peer) => {
    const isAddress = typeof answer === 'string'
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180 | (isAddress ? 0 : answer), 2)
    header.writeUInt16BE(isAddress ? 1 : 0, 6)
    header.fill(0, 8, 12)
    // The question ends with its name's zero byte, type and class; what follows is the asker's own affair.
    const end = question.indexOf(0, 12) + 5
    const record = isAddress
      ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...answer.split('.').map(Number)])
      : Buffer.alloc(0)
    socket.send(Buffer.concat([header, question.subarray(12, end), record]), peer.port, peer.address)
  })
  return { address: `127.0.0.1:${socket.address().port}`, [Symbol.dispose]: () => void socket.close() }
}

test('DNS: resolvers that agree with what is expected pass', async () => {
  using one = await startResolver('203.0.113.7')
  using two = await startResolver('203.0.113.9')
  const monitor = make({
    type: 'dns',
    name: 'shop.example',
    resolvers: [one.address, two.address],
    expectAny: ['203.0.113.0/24'],
  })
  expect(await checkDns(monitor)).toMatchObject({ outcome: 'ok' })
})

test('DNS: a wrong answer is told from no answer, and from a resolver that is silent', async () => {
  using wrong = await startResolver('10.0.0.1')
  using nothing = await startResolver(3)
  using right = await startResolver('1.2.3.4')
  const ask = (resolvers: string[]) =>
    checkDns(make({ type: 'dns', name: 'shop.example', resolvers, allowPrivate: false, timeoutS: 0.4 }))

  expect(await ask([wrong.address, wrong.address, right.address])).toMatchObject({
    outcome: 'failed',
    failure: 'dns-wrong-answer',
  })
  expect(await ask([nothing.address])).toMatchObject({ outcome: 'failed', failure: 'dns-no-answer' })
  expect(await ask([right.address, right.address, nothing.address])).toMatchObject({ outcome: 'ok' })
  // Nobody listens there: nothing was learnt of the name.
  expect(await ask(['127.0.0.1:9'])).toMatchObject({ outcome: 'error', failure: null })
})

test('TCP: connects, speaks, and hears what is expected', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end('+PONG\r\n'))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const target = { type: 'tcp' as const, host: '127.0.0.1', port, timeoutS: 5 }
  expect(await checkTcp(make({ ...target, send: 'PING\r\n', expectText: 'PONG' }), never)).toMatchObject({
    outcome: 'ok',
  })
  expect(await checkTcp(make({ ...target, send: 'PING\r\n', expectText: 'PANG' }), never)).toMatchObject({
    failure: 'assertion',
  })
  expect(await checkTcp(make({ ...target, allowPrivate: false }), never)).toMatchObject({ outcome: 'error' })
  server.close()
  await once(server, 'close')
  expect(await checkTcp(make(target), never)).toMatchObject({ failure: 'refused' })
})

test('TLS: what speaks no TLS fails the handshake', async () => {
  const server = createServer((socket) => socket.end('no TLS here\r\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const monitor = make({ type: 'tls', host: '127.0.0.1', port, timeoutS: 5 })
  expect(await checkTls(monitor, never, Date.now())).toMatchObject({ outcome: 'failed', failure: 'tls' })
  server.close()
})

test('ICMP: what ping prints is read, and what it does not print is our own fault', () => {
  const monitor = { host: 'shop.example', maxLossFraction: 0.5 }
  const said = (loss: number) =>
    `3 packets transmitted, 3 received, ${loss}% packet loss, time 2003ms\nrtt min/avg/max/mdev = 0.1/12.5/0.3/0.05 ms`
  expect(judgePing(said(0), monitor)).toMatchObject({ outcome: 'ok', durationMs: 12.5 })
  expect(judgePing(said(66.6667), monitor)).toMatchObject({ failure: 'timeout' })
  expect(judgePing('3 packets transmitted, 0 received, 100% packet loss', monitor)).toMatchObject({
    failure: 'timeout',
  })
  expect(judgePing('ping: socket: Operation not permitted', monitor)).toMatchObject({ outcome: 'error' })
})
