from evolve.gate.deal import spread
from evolve.gate.decision import cut


def test_every_part_has_its_share_of_every_cluster():
    clusters = {
        f"{cluster}{number}": cluster for cluster, size in {"a": 60, "b": 24, "c": 9}.items() for number in range(size)
    }
    for part in cut(spread(clusters, "made gate#1")):
        shares = [sum(clusters[task] == cluster for task in part) for cluster in "abc"]
        assert abs(shares[0] - 20) <= 1
        assert abs(shares[1] - 8) <= 1
        assert abs(shares[2] - 3) <= 1


def test_the_order_depends_on_the_name_alone():
    clusters = {f"t{number}": f"t{number}" for number in range(30)}
    backwards = dict(reversed(clusters.items()))
    assert spread(clusters, "made gate#1") == spread(backwards, "made gate#1")
    assert spread(clusters, "made gate#1") != spread(clusters, "made gate#2")
    assert sorted(spread(clusters, "made gate#2")) == sorted(clusters)
