/** Why the credentials of a responder do not work: one cause each, with what to do. From the words of the AWS SDK. */

const CAUSES: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [
    /Profile (\S{1,100}) requires multi-factor authentication/u,
    ([, profile = '']) =>
      `the profile ${profile} wants a code of its MFA device (mfa_serial): get a session with aws sts ` +
      'get-session-token or assume-role --serial-number … --token-code …, and set its three AWS_ variables',
  ],
  [
    /(?:Could not resolve credentials using profile: \[|Profile )([^\]\s]{1,100})(?:\]| could not be found| not found)/iu,
    ([, profile = '']) =>
      `there is no profile ${profile} with credentials in the shared AWS configuration; \`aws configure ` +
      'list-profiles` lists them',
  ],
  [
    /\bSSO\b|aws sso login|token (?:is|has) expired/iu,
    () => 'the SSO session is missing or has expired: log in with `aws sso login`, with the --profile in question',
  ],
  [
    /MultiFactorAuthentication failed/u,
    () => 'the code of the MFA device was refused: run the command again with the next code, and see to mfa_serial',
  ],
  [
    /AssumeRole/u,
    () =>
      'the role of the profile could not be assumed: see to role_arn, source_profile, and that the trust policy ' +
      'of the role permits it',
  ],
  [
    /Could not load credentials from any providers/u,
    () => 'none were found: give --profile, set the AWS_ variables, or log in',
  ],
];

/** Undefined where nothing more is known than that they do not work. */
export function credentialAdvice(error: unknown): string | undefined {
  const words =
    error instanceof Error
      ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`.slice(0, 2000)
      : '';
  for (const [pattern, advice] of CAUSES) {
    const found = pattern.exec(words);
    if (found !== null) return advice(found);
  }
  return undefined;
}
