// page.js - draws the report's charts with Vega-Lite from the numbers in the page.
(() => {
  'use strict';
  const figures = JSON.parse(document.getElementById('figures').textContent);
  const { nearest, thresholds, margins } = figures;
  // Colours are the page's own variables: the charts follow light, dark and print without being drawn again.
  const ink = 'var(--ink)',
    soft = 'var(--soft)',
    line = 'var(--line)';
  const train = 'var(--train)',
    holdout = 'var(--holdout)',
    chance = 'var(--chance)',
    found = 'var(--found)';
  const config = {
    background: null,
    font: 'system-ui, sans-serif',
    view: { stroke: null },
    axis: {
      labelColor: soft,
      titleColor: soft,
      titleFontWeight: 'normal',
      titleFontSize: 12,
      labelFontSize: 11,
      domainColor: line,
      tickColor: line,
      gridColor: line,
      gridOpacity: 0.6,
      titlePadding: 8,
    },
    text: { font: 'system-ui, sans-serif' },
  };
  const frame = (more) => ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 'container',
    height: 230,
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: { left: 2, right: 8, top: 22, bottom: 2 },
    config,
    ...more,
  });
  const series = [{ name: 'training', values: nearest.train, colour: train }];
  if (nearest.holdout) series.push({ name: 'hold-out', values: nearest.holdout, colour: holdout });
  const edge = (i) => Number((nearest.low + i * nearest.width).toFixed(6));
  const last = edge(nearest.train.length);
  const low = Math.min(nearest.low, ...thresholds.map((t) => t.score)) - 0.02;
  const high = Math.max(last, ...thresholds.map((t) => t.score)) + 0.02;
  const scoreAxis = (title) => ({
    field: 'score',
    type: 'quantitative',
    title,
    scale: { domain: [low, high], nice: false, zero: false },
    axis: { grid: false, tickCount: 8 },
  });
  // Small texts above the plot would overlap where thresholds are close: each stands in the lowest row where it
  // has room. A text is about 60 of the 400 pixels of a plot wide.
  const room = (60 / 400) * (high - low);
  const marks = [];
  for (const t of thresholds) {
    const taken = marks.filter((m) => Math.abs(m.score - t.score) < room).map((m) => m.row);
    let row = 0;
    while (taken.includes(row)) row++;
    marks.push({ ...t, row });
  }
  const thresholdLines = (title) =>
    marks.length === 0
      ? []
      : [
          {
            data: { values: marks },
            mark: { type: 'rule', color: chance, strokeDash: [3, 3], strokeWidth: 1 },
            encoding: {
              x: scoreAxis(title),
              tooltip: [
                { field: 'label', title: 'threshold' },
                { field: 'score', format: '.3f' },
              ],
            },
          },
          ...[...new Set(marks.map((m) => m.row))]
            .map((row) => ({
              data: { values: marks.filter((m) => m.row === row) },
              mark: {
                type: 'text',
                color: chance,
                fontSize: 10,
                baseline: 'bottom',
                align: 'center',
                y: -2 - 11 * row,
              },
              encoding: { x: scoreAxis(title), text: { field: 'label' } },
            })),
        ];
  const names = () =>
    series.length < 2
      ? []
      : [
          {
            data: { values: series.map((s, i) => ({ name: s.name, at: 10 + 17 * i })) },
            mark: { type: 'text', align: 'right', fontSize: 12, fontWeight: 600, x: { expr: 'width - 4' } },
            encoding: {
              y: { field: 'at', type: 'quantitative', scale: null, axis: null },
              text: { field: 'name' },
              color: {
                field: 'name',
                scale: { domain: series.map((s) => s.name), range: series.map((s) => s.colour) },
                legend: null,
              },
            },
          },
        ];

  function histogram() {
    const bars = nearest.train.map((n, i) => ({ score: edge(i), end: edge(i + 1), n, gallery: 'training' }));
    const layers = [
      {
        data: { values: bars },
        mark: { type: 'bar', color: train, opacity: 0.55, binSpacing: 0.5 },
        encoding: {
          x: { ...scoreAxis('best score'), bin: 'binned' },
          x2: { field: 'end' },
          y: { field: 'n', type: 'quantitative', title: 'synthetic images', axis: { tickCount: 5 } },
          tooltip: [
            { field: 'score', format: '.2f' },
            { field: 'n', title: 'images, training' },
          ],
        },
      },
    ];
    if (nearest.holdout) {
      const steps = [
        { score: edge(0), n: 0 },
        ...nearest.holdout.map((n, i) => ({ score: edge(i), n })),
        { score: last, n: 0 },
      ];
      layers.push({
        data: { values: steps },
        mark: { type: 'line', interpolate: 'step-after', color: holdout, strokeWidth: 1.8 },
        encoding: { x: scoreAxis('best score'), y: { field: 'n', type: 'quantitative' } },
      });
    }
    return frame({
      layer: [...layers, ...thresholdLines('best score'), ...names()],
      resolve: { scale: { y: 'shared', color: 'independent' } },
    });
  }

  function shares() {
    const layers = series.map((s) => {
      let left = nearest.probes;
      const values = s.values.map((n, i) => {
        const v = { score: edge(i), share: left / nearest.probes };
        left -= n;
        return v;
      });
      values.push({ score: last, share: 0 });
      return {
        data: { values },
        mark: { type: 'line', color: s.colour, strokeWidth: 2 },
        encoding: {
          x: scoreAxis('score'),
          y: {
            field: 'share',
            type: 'quantitative',
            title: 'share at or above',
            scale: { domain: [0, 1] },
            axis: { format: '.0%', tickCount: 5 },
          },
        },
      };
    });
    layers.push({
      data: { values: thresholds },
      mark: { type: 'point', color: chance, filled: false, size: 70, strokeWidth: 2, opacity: 1 },
      encoding: {
        x: scoreAxis('score'),
        y: { field: 'chance', type: 'quantitative' },
        tooltip: [
          { field: 'label', title: 'threshold' },
          { field: 'chance', title: 'by chance', format: '.2%' },
          { field: 'train', title: 'training', format: '.2%' },
        ],
      },
    });
    return frame({
      layer: [...layers, ...thresholdLines('score'), ...names()],
      resolve: { scale: { y: 'shared', color: 'independent' } },
    });
  }

  function marginChart() {
    const at = (i) => Number((i * margins.width).toFixed(6));
    const rows = (values, sign, gallery) =>
      values.map((n, i) => ({ margin: at(i), end: at(i + 1), n: sign * n, gallery }));
    const x = {
      field: 'margin',
      type: 'quantitative',
      title: 'size of the margin',
      axis: { grid: false, tickCount: 8 },
    };
    // A square-root scale: the few with large margins, which decide, stay visible beside the many with small ones.
    const y = {
      field: 'n',
      type: 'quantitative',
      title: `synthetic ${margins.unit}`,
      scale: { type: 'sqrt', nice: true },
      axis: { labelExpr: 'abs(datum.value)', tickCount: 6 },
    };
    const layer = [
      {
        data: {
          values: [
            ...rows(margins.wins, 1, 'closer to training'),
            ...rows(margins.losses, -1, 'closer to hold-out'),
          ],
        },
        mark: { type: 'bar', binSpacing: 0.5, opacity: 0.85 },
        encoding: {
          x: { ...x, bin: 'binned' },
          x2: { field: 'end' },
          y,
          y2: { datum: 0 },
          color: {
            field: 'gallery',
            scale: { domain: ['closer to training', 'closer to hold-out'], range: [train, holdout] },
            legend: null,
          },
          tooltip: [
            { field: 'gallery', title: ' ' },
            { field: 'margin', format: '.2f' },
          ],
        },
      },
      {
        mark: { type: 'rule', color: ink, strokeWidth: 1 },
        data: { values: [{}] },
        encoding: { y: { datum: 0 } },
      },
    ];
    for (const [text, colour, y0] of [
      ['closer to training', train, 10],
      ['closer to hold-out', holdout, 'below'],
    ])
      layer.push({
        data: { values: [{}] },
        mark: {
          type: 'text',
          text,
          color: colour,
          align: 'right',
          fontWeight: 600,
          fontSize: 12,
          x: { expr: 'width - 4' },
          y: y0 === 'below' ? { expr: 'height - 10' } : y0,
        },
      });
    if (margins.tau !== null)
      layer.push(
        {
          data: { values: [{ margin: margins.tau }] },
          mark: { type: 'rule', color: found, strokeWidth: 1.5 },
          encoding: { x },
        },
        {
          data: { values: [{ margin: margins.tau }] },
          mark: {
            type: 'text',
            text: 'discoveries \u2192',
            color: found,
            align: 'left',
            dx: 4,
            y: -6,
            fontWeight: 600,
          },
          encoding: { x },
        },
      );
    return frame({ height: 260, layer });
  }

  // What is wider than the screen is scrolled with the arrow keys, so it takes the focus.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries)
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute('tabindex');
  });
  for (const element of document.querySelectorAll('.scroll')) watch.observe(element);

  const makers = { nearest: histogram, share: shares, margins: marginChart };
  for (const element of document.querySelectorAll('[data-chart]')) {
    const options = {
      ast: true,
      renderer: 'svg',
      actions: false,
      defaultStyle: false,
      tooltip: { theme: 'custom' },
    };
    vegaEmbed(element, makers[element.dataset.chart](), options)
      // The chart as a whole is an image with a label; its marks would be read one by one.
      .then(() => element.querySelector('svg').setAttribute('aria-hidden', 'true'))
      .catch((error) => {
        element.textContent = 'This chart could not be drawn: ' + error.message;
        console.error(error);
      });
  }
})();
