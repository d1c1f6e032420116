import { createChallenge, verifySolution } from 'altcha-lib/v1'
import { expect, test } from 'vitest'
import { solveWork } from './solve-work.ts'

test('what is solved here is taken by ALTCHA’s own check', async () => {
  const challenge = await createChallenge({ hmacKey: 'k', maxNumber: 500 })
  expect(await verifySolution(await solveWork(JSON.stringify(challenge)), 'k', false)).toBe(true)
})

test('a challenge without a solution is told, not tried for ever', async () => {
  const challenge = await createChallenge({ hmacKey: 'k', number: 600 })
  await expect(solveWork(JSON.stringify({ ...challenge, maxnumber: 500 }))).rejects.toThrow('no solution')
})
