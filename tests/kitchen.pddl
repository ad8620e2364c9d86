(define (problem kitchen)
    (:domain alfred)
    (:objects
        agent1 - agent
        loc_bar_0_bar_0 loc_bar_1_bar_0 loc_bar_2_bar_0 - location
        Cabinet_bar_1 DiningTable_bar_1 - receptacle
        Mug_bar_1 Mug_bar_2 Apple_bar_1 - object
        CabinetType DiningTableType - rtype
        MugType AppleType - otype
    )
    (:init
        (= (total-cost) 0)
        (atLocation agent1 loc_bar_0_bar_0)
        (receptacleAtLocation Cabinet_bar_1 loc_bar_1_bar_0)
        (receptacleAtLocation DiningTable_bar_1 loc_bar_2_bar_0)
        (receptacleType Cabinet_bar_1 CabinetType)
        (receptacleType DiningTable_bar_1 DiningTableType)
        (openable Cabinet_bar_1)
        (canContain CabinetType MugType)
        (canContain DiningTableType MugType)
        (canContain DiningTableType AppleType)
        (objectType Mug_bar_1 MugType)
        (objectType Mug_bar_2 MugType)
        (objectType Apple_bar_1 AppleType)
        (pickupable Mug_bar_1)
        (pickupable Mug_bar_2)
        (pickupable Apple_bar_1)
        (inReceptacle Mug_bar_1 Cabinet_bar_1)
        (inReceptacle Mug_bar_2 Cabinet_bar_1)
        (inReceptacle Apple_bar_1 DiningTable_bar_1)
        (objectAtLocation Mug_bar_1 loc_bar_1_bar_0)
        (objectAtLocation Mug_bar_2 loc_bar_1_bar_0)
        (objectAtLocation Apple_bar_1 loc_bar_2_bar_0)
    )
    (:goal
        (exists (?r - receptacle ?o - object)
            (and (inReceptacle ?o ?r) (objectType ?o MugType) (receptacleType ?r DiningTableType))
        )
    )
)
