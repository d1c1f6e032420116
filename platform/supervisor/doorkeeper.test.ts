import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import { loadConfig } from '../app/config.ts'
import { createDoorkeeper } from './doorkeeper.ts'

function create() {
  const clock = createFakeClock()
  const { abuse, trustedProxies } = loadConfig({ TRUSTED_PROXIES: '10.0.0.1' })
  return { clock, door: createDoorkeeper({ abuse, trustedProxies, clock, seed: 1 }) }
}

test('a home of known people is one for a day, its whole /64 with it, and where work was proved for half an hour; what the machine needs always is', () => {
  const { clock, door } = create()
  expect(door.standingOf('192.0.2.9')).toBe('stranger')
  door.noteStandings([
    { line: '192.0.2.9', standing: 'known' },
    { line: '192.0.2.9', standing: 'proven' },
    { line: '2001:db8:0:1::/64', standing: 'known' },
    { line: '192.0.2.11', standing: 'proven' },
  ])
  expect(['192.0.2.9', '2001:db8:0:1::5', '127.0.0.1', '10.0.0.1'].map(door.standingOf)).toEqual(
    Array.from({ length: 4 }, () => 'known'),
  )
  expect(['192.0.2.11', '2001:db8:0:2::5', '192.0.2.10', undefined].map(door.standingOf)).toEqual([
    'proven',
    'stranger',
    'stranger',
    'stranger',
  ])
  clock.advance(30 * 60_000 + 1)
  expect(['192.0.2.9', '192.0.2.11'].map(door.standingOf)).toEqual(['known', 'stranger'])
  clock.advance(23.5 * 3_600_000)
  expect(['192.0.2.9', '127.0.0.1'].map(door.standingOf)).toEqual(['stranger', 'known'])
})

test('who is penalised or blocked is kept out for as long as that is, whoever else comes', () => {
  const { clock, door } = create()
  door.penalise([{ line: '192.0.2.9', forMs: 60_000 }])
  door.setBlocks(['198.51.100.0/24'])
  expect(['192.0.2.9', '192.0.2.10', '198.51.100.7'].map(door.admits)).toEqual([false, true, false])
  clock.advance(60_000)
  door.setBlocks([])
  expect(['192.0.2.9', '198.51.100.7'].map(door.admits)).toEqual([true, true])
  expect(door.refusedCount).toBe(2)
})
