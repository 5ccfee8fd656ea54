// Tabs, as their pattern of ARIA has them.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

/** One tab and what is behind it. */
export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly view: () => JSX.Element;
}

/** Arrows go from tab to tab; what is behind the chosen one is seen. */
export function Tabs({
  tabs,
  label,
}: {
  readonly tabs: readonly Tab[];
  readonly label: string;
}): JSX.Element {
  const [chosen, setChosen] = useState(tabs[0]?.id ?? '');
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ id }) => id === chosen);
  const choose = (index: number): void => {
    const tab = tabs[(index + tabs.length) % tabs.length];
    if (tab === undefined) return;
    setChosen(tab.id);
    list.current?.querySelector<HTMLElement>(`#tab-${tab.id}`)?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    const goals: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: tabs.length - 1,
    };
    const goal = goals[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    choose(goal);
  };
  const View = tabs[at]?.view;
  return (
    <section class="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={onKey}>
        {tabs.map(({ id, title }, i) => (
          <button
            type="button"
            role="tab"
            id={`tab-${id}`}
            key={id}
            aria-selected={id === chosen}
            aria-controls="panel"
            tabIndex={id === chosen ? 0 : -1}
            onClick={() => choose(i)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${chosen}`}>
        {View !== undefined && <View key={chosen} />}
      </div>
    </section>
  );
}
