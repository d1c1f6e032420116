/** The tables of accounts. */
export interface AccountTable {
  id: string
  name: string
  email: string
  email_verified: boolean
  /** Blob key of the picture. */
  image: string | null
  /** Lower case; unique. */
  username: string
  /** The handle as its owner writes it. */
  display_username: string
  role: 'member' | 'operator'
  bio: string
  created_at: Date
  updated_at: Date
}

interface AuthSessionTable {
  id: string
  user_id: string
  token: string
  ip_address: string | null
  user_agent: string | null
  expires_at: Date
  created_at: Date
  updated_at: Date
}

interface OperatorLinkTable {
  token_sha256: Buffer
  created_at: Date
  used_at: Date | null
  used_by: string | null
}

interface AccountPlaceTable {
  account_id: string
  /** As `describeDevice` names it. */
  device: string
  /** As `networkOf` names it. */
  network: string
  seen_at: Date
}

interface SessionRevocationTable {
  token_sha256: Buffer
  revoked_at: Date
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    account: AccountTable
    auth_session: AuthSessionTable
    operator_link: OperatorLinkTable
    account_place: AccountPlaceTable
    session_revocation: SessionRevocationTable
  }
}
