/** What all pages have: a title that the tab shows and a screen reader hears, and the plain notices. */
import type { ComponentChild, ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Refusal } from '../api/refusal.ts';
import { refusalWords } from '../language/refusal-words.ts';
import { say } from '../language/words.ts';
import { hasMoved } from '../router.ts';

interface PageProps {
  readonly title: string;
  /** @default standard */
  readonly width?: 'narrow' | 'standard';
  /** Stands with the title on a poster. */
  readonly poster?: { readonly hue: number; readonly under: ComponentChild };
  readonly children: ComponentChildren;
}

export function Page({ title, width = 'standard', poster, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${say('shop.name')}`;
  }, [title]);
  useEffect(() => {
    // After a click on a link nothing else tells a screen reader that this is another page.
    if (hasMoved.get()) heading.current?.focus({ preventScroll: true });
  }, []);
  const titled = (
    <h1 ref={heading} tabIndex={-1}>
      {title}
    </h1>
  );
  return (
    <main id="content" class={`page page-${width}`}>
      {poster ? (
        <div class="poster poster-wide" style={{ '--hue': poster.hue }}>
          {titled}
          {poster.under}
        </div>
      ) : (
        titled
      )}
      {children}
    </main>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">{say('shop.loading')}</span>
    </div>
  );
}

/** Said at once by screen readers. */
export function Alert({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="notice notice-alert" role="alert">
      {children}
    </p>
  );
}

export function RefusalAlert({ refusal }: { readonly refusal: Refusal }) {
  return <Alert>{refusalWords(refusal)}</Alert>;
}

/** A page that could not be shown, with a way on. */
export function RefusalPage({ refusal }: { readonly refusal: Refusal }) {
  // A page asks for what its address names: one that the shop does not understand was mistyped.
  if (refusal.code === 'NOT_FOUND' || refusal.code === 'VALIDATION_ERROR') return <NotFoundPage />;
  return (
    <Page title={say('shop.failed')} width="narrow">
      <RefusalAlert refusal={refusal} />
      <p>
        <a href="/">{say('shop.toEvents')}</a>
      </p>
    </Page>
  );
}

export function NotFoundPage() {
  return (
    <Page title={say('shop.notFound')} width="narrow">
      <p>{say('shop.notFoundMore')}</p>
      <p>
        <a class="button" href="/">
          {say('shop.toEvents')}
        </a>
      </p>
    </Page>
  );
}
