import { expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import type { FromRole } from '../supervisor/index.ts'
import { tellOperatorLink } from './operator-link.ts'

test('the link is told once, however often it could not be made while the database was away', async () => {
  const told: FromRole[] = []
  let tries = 0
  const issue = async () => {
    tries += 1
    if (tries < 3) throw new Error('The database is away.')
    return '/sign-up?operator=one'
  }
  // Keeps this process, which waits for nothing else.
  const hold = setInterval(() => {}, 1_000)
  await tellOperatorLink(
    createLog({ level: 'silent', base: {} }),
    issue,
    (message) => told.push(message) > 0,
    {
      pauseMs: 1,
    },
  )
  clearInterval(hold)
  expect(told).toEqual([{ type: 'operator-link', path: '/sign-up?operator=one' }])
})
