/** Logging in and making an account. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Answer, Refusal } from '../api/refusal.ts';
import type { WordKey } from '../language/language.ts';
import { refusalWords } from '../language/refusal-words.ts';
import { say } from '../language/words.ts';
import { useObserved } from '../observed.ts';
import { Alert, Page } from '../page/page.tsx';
import { address, go, nextAddress } from '../router.ts';
import { account, logIn, register } from './session.ts';

/** As the API demands it of new passwords. */
const passwordCharsMin = 8;

export function LoginPage() {
  const { query } = useObserved(address);
  return (
    <Page title={say('account.logIn')} width="narrow">
      {query.has('next') && <p class="lead">{say('account.needed')}</p>}
      <AccountForm
        action={say('account.logIn')}
        submit={(entered) => logIn({ email: entered.email, password: entered.password })}
        refusalText={(refusal) => (refusal.code === 'UNAUTHORIZED' ? say('account.wrong') : refusalWords(refusal))}
      >
        <EmailField />
        <Field of="password" label="account.password">
          <input id="password" name="password" type="password" autoComplete="current-password" />
        </Field>
      </AccountForm>
      <p>
        {say('account.noAccount')} <a href={`/register${location.search}`}>{say('account.register')}</a>
      </p>
      <p class="notice">{say('account.demo')}</p>
    </Page>
  );
}

export function RegisterPage() {
  return (
    <Page title={say('account.register')} width="narrow">
      <AccountForm
        action={say('account.register')}
        submit={register}
        problemOf={problemOf}
        refusalText={(refusal) => (refusal.code === 'CONFLICT' ? say('account.taken') : refusalWords(refusal))}
      >
        <Field of="name" label="account.name">
          <input id="name" name="name" type="text" autoComplete="name" />
        </Field>
        <EmailField />
        <Field of="password" label="account.password" hint="account.passwordHint">
          <input
            id="password"
            name="password"
            type="password"
            autoComplete="new-password"
            aria-describedby="password-hint"
          />
        </Field>
      </AccountForm>
      <p>
        {say('account.hasAccount')} <a href={`/login${location.search}`}>{say('account.logIn')}</a>
      </p>
    </Page>
  );
}

interface Entered {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

function problemOf({ name, email, password }: Entered): string | null {
  if (name.trim() === '') return say('account.nameWrong');
  if (!/^\S+@\S+\.\S+$/.test(email.trim())) return say('account.emailWrong');
  return [...password].length < passwordCharsMin ? say('account.passwordWrong') : null;
}

interface FormProps {
  readonly action: string;
  readonly submit: (entered: Entered) => Promise<Answer<unknown>>;
  readonly refusalText: (refusal: Refusal) => string;
  readonly problemOf?: (entered: Entered) => string | null;
  readonly children: ComponentChildren;
}

function AccountForm({ action, submit, refusalText, problemOf: check = () => null, children }: FormProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const person = useObserved(account);
  const { query } = useObserved(address);
  useEffect(() => {
    if (person !== null) go(nextAddress(query), { replace: true });
  }, [person]);

  const enter = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const text = (name: string) => String(given.get(name) ?? '');
    const entered = { name: text('name'), email: text('email'), password: text('password') };
    const wrong = check(entered);
    setProblem(wrong);
    if (wrong !== null) return;
    setBusy(true);
    const answer = await submit(entered);
    setBusy(false);
    if (!answer.ok) setProblem(refusalText(answer.refusal));
  };

  return (
    <form
      class="card form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void enter(event.currentTarget);
      }}
    >
      {children}
      {problem !== null && <Alert>{problem}</Alert>}
      <button type="submit" class="button button-wide" aria-disabled={busy}>
        {busy ? say('account.working') : action}
      </button>
    </form>
  );
}

function EmailField() {
  return (
    <Field of="email" label="account.email">
      <input id="email" name="email" type="email" autoComplete="username" />
    </Field>
  );
}

interface FieldProps {
  /** The id of the input. */
  readonly of: string;
  readonly label: WordKey;
  readonly hint?: WordKey;
  readonly children: ComponentChildren;
}

function Field({ of, label, hint, children }: FieldProps) {
  return (
    <div class="field">
      <label for={of}>{say(label)}</label>
      {children}
      {hint && (
        <p class="hint" id={`${of}-hint`}>
          {say(hint)}
        </p>
      )}
    </div>
  );
}
