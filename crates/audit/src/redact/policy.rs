//! What records keep of an operation's arguments, as it was declared: compiled once, asked at every value.

use std::collections::HashMap;

use model::{Detector, Redaction, Sought, Step, Treatment};

use super::name;

/// What is kept of the arguments of an operation's calls. The default keeps what is no secret.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The operation's own first: what it says goes before what its collection says.
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, Default)]
struct Layer {
    like: HashMap<Detector, Treatment>,
    root: Node,
}

/// A place among the arguments: what is kept there, and where it goes on.
#[derive(Debug, Clone, Default)]
struct Node {
    treatment: Option<Treatment>,
    to: HashMap<Box<str>, Self>,
    any: Option<Box<Self>>,
}

/// Where a walk through the arguments stands, in each layer.
#[derive(Debug, Clone)]
pub(super) struct Place<'p>(Vec<Stand<'p>>);

#[derive(Debug, Clone)]
struct Stand<'p> {
    /// Those that fit, the most exact first.
    nodes: Vec<&'p Node>,
    /// What the nearest of them above says.
    treatment: Option<Treatment>,
}

impl Policy {
    /// Compiles `layers`: what is said first goes before what is said later.
    #[must_use]
    pub fn new(layers: &[&[Redaction]]) -> Self {
        let layers = layers.iter().filter(|it| !it.is_empty());
        Self { layers: layers.map(|it| Layer::new(it)).collect() }
    }

    /// What was declared of values that look like this.
    pub(super) fn like(&self, detector: Detector) -> Option<Treatment> {
        self.layers.iter().find_map(|it| it.like.get(&detector).copied())
    }

    /// The place of all arguments together.
    pub(super) fn root(&self) -> Place<'_> {
        let stand = |it| Stand { nodes: vec![it], treatment: None };
        Place(self.layers.iter().map(|it| stand(&it.root)).collect())
    }
}

impl Layer {
    fn new(redactions: &[Redaction]) -> Self {
        let mut layer = Self::default();
        for Redaction { of, treatment, place: _ } in redactions {
            match of {
                Sought::Like(detector) => {
                    layer.like.insert(*detector, *treatment);
                }
                Sought::At(pointer) => {
                    let node = pointer.steps().iter().fold(&mut layer.root, Node::step);
                    node.treatment = Some(*treatment);
                }
            }
        }
        layer
    }
}

impl Node {
    fn step(&mut self, step: &Step) -> &mut Self {
        match step {
            Step::Any => self.any.get_or_insert_default(),
            Step::To(name) => self.to.entry(name.clone()).or_default(),
        }
    }

    /// Where `name` leads from here, the exact way first.
    fn next<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p Self> + use<'p> {
        self.to.get(name).into_iter().chain(self.any.as_deref())
    }

    fn is_leaf(&self) -> bool {
        self.to.is_empty() && self.any.is_none()
    }
}

impl Place<'_> {
    /// The place of what is called `name` here, or of what is at this index.
    pub(super) fn at(&self, name: &str) -> Self {
        Self(self.0.iter().map(|it| it.at(name)).collect())
    }

    /// The same of an index.
    pub(super) fn at_index(&self, index: usize) -> Self {
        // Without pointers there is nothing to look up.
        if self.0.is_empty() { Self(Vec::new()) } else { self.at(&index.to_string()) }
    }

    /// What was declared of it, and of all below where nothing else is.
    pub(super) fn treatment(&self) -> Option<Treatment> {
        self.0.iter().find_map(|it| it.treatment)
    }

    /// Whether something else may be declared of what is below.
    pub(super) fn has_below(&self) -> bool {
        self.0.iter().any(|it| it.nodes.iter().any(|it| !it.is_leaf()))
    }
}

impl Stand<'_> {
    fn at(&self, name: &str) -> Self {
        let nodes: Vec<_> = self.nodes.iter().flat_map(|it| it.next(name)).collect();
        let nearest = nodes.iter().find_map(|it| it.treatment);
        Self { nodes, treatment: nearest.or(self.treatment) }
    }
}

/// Whether `treatment` would show what the last name of a pointer says is a secret. It never does;
/// so whoever writes it is to be told.
#[must_use]
pub fn is_in_vain(of: &Sought, treatment: Treatment) -> bool {
    let Sought::At(pointer) = of else { return false };
    let names = pointer.steps().iter().filter_map(|it| match it {
        Step::Any => None,
        Step::To(name) => Some(name),
    });
    let mut named = names.filter_map(|it| name::named(it));
    named.any(|it| !may(it, treatment))
}

/// Whether a value that is known to be one of these may be treated like this.
pub(super) fn may(kind: Detector, treatment: Treatment) -> bool {
    match (kind, treatment) {
        (_, Treatment::Drop | Treatment::Hash) => true,
        (Detector::CardNumber, Treatment::Mask) => true,
        (Detector::Email, Treatment::Keep | Treatment::Mask) => true,
        (Detector::CardNumber, Treatment::Keep) => false,
        (Detector::Secret, Treatment::Keep | Treatment::Mask) => false,
    }
}

#[cfg(test)]
mod tests {
    use model::Pointer;

    use super::*;

    fn redactions(rules: &[(&str, Treatment)]) -> Vec<Redaction> {
        let redaction = |(pointer, treatment): &(&str, Treatment)| Redaction {
            of: Sought::At(Pointer::parse(pointer).unwrap()),
            treatment: *treatment,
            place: model::Place::default(),
        };
        rules.iter().map(redaction).collect()
    }

    fn check(layers: &[&[(&str, Treatment)]], wanted: &[(&str, Option<Treatment>)]) {
        let layers: Vec<_> = layers.iter().map(|it| redactions(it)).collect();
        let layers: Vec<_> = layers.iter().map(Vec::as_slice).collect();
        let policy = Policy::new(&layers);
        for (path, want) in wanted {
            let place = path.split('/').skip(1).fold(policy.root(), |it, name| it.at(name));
            assert_eq!(place.treatment(), *want, "{path} of {layers:?}");
        }
    }

    use Treatment::{Drop, Hash, Keep, Mask};

    #[test]
    fn the_nearest_rule_counts_and_an_exact_name_before_any() {
        check(
            &[&[("/*", Drop), ("/id", Keep), ("/customer", Mask), ("/customer/*/id", Hash)]],
            &[
                ("/id", Some(Keep)),
                ("/id/below", Some(Keep)),
                ("/other", Some(Drop)),
                ("/customer", Some(Mask)),
                ("/customer/a", Some(Mask)),
                ("/customer/a/id", Some(Hash)),
                ("/customer/a/id/b", Some(Hash)),
            ],
        );
        // Both lead to it: the longer one counts, wherever its star is.
        check(&[&[("/a/x", Keep), ("/*/y", Drop)]], &[("/a/x", Some(Keep)), ("/a/y", Some(Drop))]);
        check(&[&[("/a/*", Keep), ("/*/y", Drop)]], &[("/a/y", Some(Keep)), ("/b/y", Some(Drop))]);
        check(&[&[("/a/b", Keep)]], &[("/a", None), ("/b", None), ("/a/c", None)]);
    }

    #[test]
    fn what_an_operation_says_goes_before_what_its_collection_says() {
        let collection: &[_] = &[("/*", Drop), ("/id", Hash)];
        check(&[&[("/id", Keep)], collection], &[("/id", Some(Keep)), ("/other", Some(Drop))]);
        check(&[&[("/*", Drop)], collection], &[("/id", Some(Drop))]);
        check(&[&[], collection], &[("/id", Some(Hash))]);
    }

    #[test]
    fn a_rule_that_would_show_a_secret_is_in_vain() {
        for (pointer, treatment, want) in [
            ("/password", Keep, true),
            ("/password", Mask, true),
            ("/password", Hash, false),
            ("/password", Drop, false),
            ("/user/*/apiKey", Keep, true),
            ("/credentials/name", Keep, true),
            ("/card_number", Keep, true),
            ("/card_number", Mask, false),
            ("/name", Keep, false),
        ] {
            let of = Sought::At(Pointer::parse(pointer).unwrap());
            assert_eq!(is_in_vain(&of, treatment), want, "{pointer} {treatment:?}");
        }
    }
}
