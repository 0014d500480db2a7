use super::*;

#[tokio::test]
async fn probe() {
    let house = house();
    for text in std::fs::read_to_string("/tmp/probe.sql").unwrap().split(";\n") {
        let before = house.tenant.counters().requests;
        println!(
            "== {text}\n{}\n-- requests {}",
            shown(&house, text).await,
            house.tenant.counters().requests - before
        );
    }
}
