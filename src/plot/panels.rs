//! Panels by name: which ones of a plot are drawn, and in which order.

use clap::ValueEnum;
use viz::plot::Panel;

/// A panel and the word of `--panels` for it.
pub(super) type Named<K> = (K, Panel);

/// The word of `--panels` for a panel.
pub(super) fn word<K: ValueEnum>(key: K) -> String {
    key.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The wanted panels in the wanted order, each once; all panels if none are named.
///
/// # Errors
/// If one of them is not among the panels. The message names those that are.
pub(super) fn chosen<K: ValueEnum + PartialEq>(all: &[Named<K>], wanted: &[K]) -> anyhow::Result<Vec<Panel>> {
    if wanted.is_empty() {
        return Ok(all.iter().map(|(_, panel)| panel.clone()).collect());
    }
    let mut places: Vec<usize> = Vec::new();
    for key in wanted {
        let place = all.iter().position(|(other, _)| other == key);
        let there = || all.iter().map(|(key, _)| word(key.clone())).collect::<Vec<_>>().join(", ");
        let missing = || {
            anyhow::anyhow!(
                "--panels {}: there are no numbers for it, only for {}",
                word(key.clone()),
                there()
            )
        };
        let place = place.ok_or_else(missing)?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places.into_iter().map(|place| all[place].1.clone()).collect())
}
