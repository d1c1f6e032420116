import { expect, test } from 'vitest'
import { formatEvidence, isUnderWay, nameMeasure, toneOf } from './release-words.ts'
import type { CodeReleaseState } from './types.ts'

const at = '2026-01-01T00:00:00.000Z'
const inPhase = (phase: CodeReleaseState['phase']): CodeReleaseState => ({
  ...{ hash: 'a', label: 'main', share: 0, detail: '', startedAt: at, changedAt: at, evidence: [] },
  phase,
})

test('a release is under way until it is promoted or back', () => {
  expect(isUnderWay(null)).toBe(false)
  expect((['checking', 'canary', 'going-back'] as const).every((phase) => isUnderWay(inPhase(phase)))).toBe(
    true,
  )
  expect(isUnderWay(inPhase('promoted')) || isUnderWay(inPhase('back'))).toBe(false)
  expect([toneOf(inPhase('promoted')), toneOf(inPhase('canary')), toneOf(inPhase('back'))]).toEqual([
    'good',
    'warn',
    'bad',
  ])
})

test('what is not known is a dash, and never nought', () => {
  expect(formatEvidence(null, 'share')).toBe('–')
  expect(formatEvidence(0, 'share')).toBe('0%')
  expect(formatEvidence(0.01351, 'share')).toBe('1.35%')
  expect(formatEvidence(-2_000_000, 'bytes-per-s')).toMatch(/^−.+MB\/s$/)
})

test('a measure of a newer server keeps its own name', () => {
  expect(nameMeasure('p99')).toBe('Slowest requests')
  expect(nameMeasure('warmth')).toBe('warmth')
})
