/** What a service's file may say of public accounts in which its outages are posted. */
import { z } from 'zod'
import { HttpUrl, Slug } from './schema-fields.ts'

const Common = {
  id: Slug.describe('Stable name; threads are kept by it.'),
  maintenance: z.boolean().default(true).describe('Whether announced maintenance is posted, too.'),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'takes a language such as en')
    .default('en'),
  allowPrivate: z.boolean().default(false),
}

/** One account. Secrets come from the environment. */
export const PostTarget = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('mastodon'),
      ...Common,
      url: HttpUrl.describe('The server of the account.'),
      token: z.string().min(1).max(500).describe('An access token with the scope write:statuses.'),
      visibility: z.enum(['public', 'unlisted', 'private']).default('public'),
      maxCharacters: z
        .number()
        .int()
        .min(200)
        .max(100_000)
        .default(500)
        .describe('What the server lets a post have.'),
    }),
    z.strictObject({
      kind: z.literal('bluesky'),
      ...Common,
      url: HttpUrl.default('https://bsky.social').describe('The server of the account (PDS).'),
      identifier: z.string().min(1).max(300).describe('Handle, DID or e-mail address of the account.'),
      appPassword: z.string().min(1).max(200).describe('An app password, never the main one.'),
    }),
  ])
  .refine(({ url, allowPrivate }) => allowPrivate || url.startsWith('https:'), {
    error: 'takes an address that begins with https://: a secret goes there',
    path: ['url'],
  })
export type PostTarget = z.infer<typeof PostTarget>

export const Posts = z.array(PostTarget).max(10).default([])
