//! Workspaces.

use eyrie_catalogue::CatalogueError;

use crate::common::{Fixture, workspace};

#[tokio::test]
async fn a_workspace_is_found_by_id_and_by_name() {
    let fixture = Fixture::new().await;
    let mut survey = workspace("survey");
    fixture.catalogue.add_workspace(&survey).await.expect("new");
    for name in [survey.id.to_string(), survey.id.simple().to_string(), "survey".into()] {
        assert_eq!(fixture.catalogue.workspace(&name).await.expect("read").as_ref(), Some(&survey), "{name}");
    }
    for name in ["", "Survey", "' OR 1=1 --", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(fixture.catalogue.workspace(name).await.expect("read"), None, "{name}");
    }
    // an id wins over a name that looks like one
    let mut imitation = workspace("imitation");
    imitation.name = survey.id.to_string();
    fixture.catalogue.add_workspace(&imitation).await.expect("new");
    assert_eq!(fixture.catalogue.workspace(&survey.id.to_string()).await.expect("read").as_ref(), Some(&survey));

    survey.id = workspace("x").id;
    let taken = fixture.catalogue.add_workspace(&survey).await.expect_err("the name is taken");
    assert!(matches!(taken, CatalogueError::Exists { what: "workspace", id } if id == "survey"));
    survey.name = "another".into();
    let taken = fixture.catalogue.add_workspace(&survey).await.expect_err("the bucket is taken");
    assert!(matches!(taken, CatalogueError::Exists { .. }));
    assert_eq!(fixture.catalogue.workspaces().await.expect("read").len(), 3);
}
