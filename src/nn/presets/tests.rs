use super::super::network::Network;
use super::super::shape::Shape;
use super::*;

fn asked(head: Head) -> Vec<(String, Head)> {
    vec![("target".to_owned(), head)]
}

#[test]
fn every_preset_can_be_built_and_trained() {
    let presets = [
        tabular(&[InputSpec::numbers("table", Shape::features(5))], &asked(Head::Binary), 1000).unwrap(),
        tabular(
            &[InputSpec::tokens("carrier", 1, 20), InputSpec::numbers("table", Shape::features(2))],
            &[("a".to_owned(), Head::Regression { outputs: 1 }), ("b".to_owned(), Head::Multiclass { classes: 3 })],
            1000,
        )
        .unwrap(),
        image(
            &[InputSpec::numbers("photo", Shape::image(28, 28, 1))],
            &asked(Head::Multiclass { classes: 10 }),
            60_000,
        )
        .unwrap(),
        image(&[InputSpec::numbers("photo", Shape::image(1, 9, 3))], &asked(Head::Binary), 10).unwrap(),
        text(&[InputSpec::text("words", 30, 5000)], &asked(Head::Binary), 3000).unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::sequence(98, 40))], &asked(Head::Multiclass { classes: 10 }), 3000)
            .unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::sequence(1, 40))], &asked(Head::Binary), 3).unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::image(64, 40, 1))], &asked(Head::Binary), 3000).unwrap(),
    ];
    for Preset { network, options } in presets {
        options.check().unwrap();
        let network = Network::new(network, 1).unwrap();
        assert!(network.parameter_count() < 3_000_000, "{}", network.summary());
    }
}

#[test]
fn inputs_of_another_kind_are_refused_by_name() {
    let words = [InputSpec::text("words", 30, 5000)];
    let error = tabular(&words, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "words: the preset tabular reads numbers and categories");
    let error = image(&words, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "words: the preset image reads images [height, width, channels]");
    let numbers = [InputSpec::numbers("x", Shape::features(3)), InputSpec::numbers("y", Shape::features(3))];
    assert_eq!(
        text(&numbers[..1], &asked(Head::Binary), 9).unwrap_err().to_string(),
        "x: the preset text reads tokens"
    );
    let error = audio(&numbers, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "input: the preset audio reads one input, there are 2");
}
