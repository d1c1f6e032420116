import { expect, test } from 'vitest'
import { parseEntry } from './parse-entry.ts'

const VARIABLES = { TOKEN: 'a-secret-token' }
const parse = (posts: string) =>
  parseEntry(
    `id: a\nname: A\nurl: https://a.example\nfeatures: [{ id: f, name: F }]\nposts:\n${posts}`,
    'a.yaml',
    VARIABLES,
  )

test('an account takes its secret from the environment, and defaults for the rest', () => {
  const { entry } = parse('  - { id: fedi, kind: mastodon, url: https://m.example, token: "${TOKEN}" }')
  expect(entry!.posts).toEqual([
    {
      id: 'fedi',
      kind: 'mastodon',
      url: 'https://m.example',
      token: 'a-secret-token',
      visibility: 'public',
      maxCharacters: 500,
      maintenance: true,
      language: 'en',
      allowPrivate: false,
    },
  ])
})

test.each([
  [
    'a secret over plain http',
    '  - { id: m, kind: mastodon, url: http://m.example, token: "${TOKEN}" }',
    'https://',
  ],
  [
    'a bound that no server has',
    '  - { id: m, kind: mastodon, url: https://m.example, token: "${TOKEN}", maxCharacters: 199 }',
    '200',
  ],
  [
    'a language that is none',
    '  - { id: m, kind: mastodon, url: https://m.example, token: "${TOKEN}", language: English }',
    'language',
  ],
  [
    'two of one name',
    '  - { id: m, kind: bluesky, identifier: a, appPassword: "${TOKEN}" }\n  - { id: m, kind: bluesky, identifier: b, appPassword: "${TOKEN}" }',
    'taken',
  ],
  [
    'a visibility that nobody would see',
    '  - { id: m, kind: mastodon, url: https://m.example, token: "${TOKEN}", visibility: direct }',
    'visibility',
  ],
])('%s is refused, with the line and without the secret', (_, posts, words) => {
  const { faults } = parse(posts)
  expect(faults).toHaveLength(1)
  expect(faults![0]!.line).toBeGreaterThanOrEqual(5)
  expect(faults![0]!.message + faults![0]!.remedy).toContain(words)
  expect(JSON.stringify(faults)).not.toContain('a-secret-token')
})
