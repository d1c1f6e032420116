/** Accounts, sessions and profiles. */
import { z } from 'zod'
import { Handle, Id, Instant } from './common.ts'

export const PASSWORD_MIN_LENGTH = 8
export const PASSWORD_MAX_LENGTH = 256
export const NAME_MAX_LENGTH = 50
export const BIO_MAX_LENGTH = 300
export const PICTURE_MAX_BYTES = 5 * 1024 * 1024

export const Password = z.string().min(PASSWORD_MIN_LENGTH).max(PASSWORD_MAX_LENGTH)

export const SignUp = z.object({
  handle: Handle,
  password: Password,
  email: z.email().max(254).optional(),
  /** The one-time link of the first start carries this; it makes the operator's account. */
  operatorToken: z.string().max(128).optional(),
})
export type SignUp = z.infer<typeof SignUp>

export const SignIn = z.object({
  /** Handle or e-mail address. */
  identifier: z.string().min(1).max(254),
  password: z.string().min(1).max(PASSWORD_MAX_LENGTH),
  /** The solution of the challenge in the facts of `work-needed`, as ALTCHA writes it. */
  work: z.string().max(4_000).optional(),
})
export type SignIn = z.infer<typeof SignIn>

export const PasswordChange = z.object({
  currentPassword: z.string().min(1).max(PASSWORD_MAX_LENGTH),
  newPassword: Password,
  signOutOtherSessions: z.boolean().default(true),
})
export type PasswordChange = z.infer<typeof PasswordChange>

export const Role = z.enum(['member', 'operator'])
export type Role = z.infer<typeof Role>

/** Who an author is, as cards and comments show it. */
export const AccountCard = z.object({
  id: Id,
  handle: z.string(),
  name: z.string(),
  pictureUrl: z.string().nullable(),
})
export type AccountCard = z.infer<typeof AccountCard>

/** The signed-in account, as it sees itself. */
export const Me = AccountCard.extend({
  bio: z.string(),
  email: z.string().nullable(),
  role: Role,
  createdAt: Instant,
})
export type Me = z.infer<typeof Me>

export const MeResponse = z.object({ account: Me.nullable() })
export type MeResponse = z.infer<typeof MeResponse>

/** A name stands beside other text: it is one line, and can't turn what follows it around (Unicode's bidi controls). */
const toOneLine = (text: string) =>
  text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '').replace(/[\s\p{Cc}]+/gu, ' ')
/** Of the controls only line ends can be seen. */
const withoutControls = (text: string) => text.replace(/\r\n?/g, '\n').replace(/(?!\n)\p{Cc}/gu, '')

export const ProfileEdit = z.object({
  name: z.string().overwrite(toOneLine).trim().min(1).max(NAME_MAX_LENGTH).optional(),
  bio: z.string().overwrite(withoutControls).trim().max(BIO_MAX_LENGTH).optional(),
})
export type ProfileEdit = z.infer<typeof ProfileEdit>

export const Session = z.object({
  id: Id,
  createdAt: Instant,
  lastSeenAt: Instant,
  expiresAt: Instant,
  address: z.string().nullable(),
  /** A plain-words name such as "Chrome on Android", made from the user agent. */
  device: z.string(),
  isCurrent: z.boolean(),
})
export type Session = z.infer<typeof Session>
export const SessionList = z.object({ items: z.array(Session) })
export type SessionList = z.infer<typeof SessionList>

/** A public profile, with the viewer's own relation to it. */
export const Profile = AccountCard.extend({
  bio: z.string(),
  createdAt: Instant,
  counts: z.object({
    followers: z.int().nullable(),
    following: z.int().nullable(),
    likes: z.int().nullable(),
    videos: z.int().nullable(),
  }),
  /** Null for a signed-out viewer. */
  viewer: z
    .object({
      isSelf: z.boolean(),
      isFollowing: z.boolean(),
      isFollowedBy: z.boolean(),
      isBlocking: z.boolean(),
    })
    .nullable(),
})
export type Profile = z.infer<typeof Profile>

export const AccountListItem = AccountCard.extend({ isFollowing: z.boolean().nullable() })
export type AccountListItem = z.infer<typeof AccountListItem>
